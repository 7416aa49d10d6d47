package decode

import (
	"maps"
	"slices"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// encodeV05 writes v0.5, for which datadog-agent has a decoder only.
func encodeV05(traces pb.Traces) []byte {
	var dict []string
	index := make(map[string]uint32)
	ref := func(b []byte, s string) []byte {
		i, ok := index[s]
		if !ok {
			i = uint32(len(dict))
			index[s] = i
			dict = append(dict, s)
		}
		return msgp.AppendUint32(b, i)
	}
	body := msgp.AppendArrayHeader(nil, uint32(len(traces)))
	for _, trace := range traces {
		body = msgp.AppendArrayHeader(body, uint32(len(trace)))
		for _, s := range trace {
			body = msgp.AppendArrayHeader(body, 12)
			body = ref(body, s.Service)
			body = ref(body, s.Name)
			body = ref(body, s.Resource)
			body = msgp.AppendUint64(body, s.TraceID)
			body = msgp.AppendUint64(body, s.SpanID)
			body = msgp.AppendUint64(body, s.ParentID)
			body = msgp.AppendInt64(body, s.Start)
			body = msgp.AppendInt64(body, s.Duration)
			body = msgp.AppendInt32(body, s.Error)
			body = msgp.AppendMapHeader(body, uint32(len(s.Meta)))
			for _, k := range slices.Sorted(maps.Keys(s.Meta)) {
				body = ref(ref(body, k), s.Meta[k])
			}
			body = msgp.AppendMapHeader(body, uint32(len(s.Metrics)))
			for _, k := range slices.Sorted(maps.Keys(s.Metrics)) {
				body = msgp.AppendFloat64(ref(body, k), s.Metrics[k])
			}
			body = ref(body, s.Type)
		}
	}
	out := msgp.AppendArrayHeader(nil, 2)
	out = msgp.AppendArrayHeader(out, uint32(len(dict)))
	for _, s := range dict {
		out = msgp.AppendString(out, s)
	}
	return append(out, body...)
}

// encodeV10 writes v1.0 with datadog-agent's encoder.
func encodeV10(t testing.TB, traces pb.Traces) []byte {
	t.Helper()
	table := idx.NewStringTable()
	payload := &idx.InternalTracerPayload{Strings: table}
	for _, trace := range traces {
		spans := make([]*idx.InternalSpan, 0, len(trace))
		for _, s := range trace {
			span := idx.NewInternalSpan(table, &idx.Span{
				ServiceRef: table.Add(s.Service), NameRef: table.Add(s.Name), ResourceRef: table.Add(s.Resource), TypeRef: table.Add(s.Type),
				SpanID: s.SpanID, ParentID: s.ParentID, Start: uint64(s.Start), Duration: uint64(s.Duration), Error: s.Error != 0,
				Attributes: map[uint32]*idx.AnyValue{},
			})
			for k, v := range s.Meta {
				span.SetAttributeFromString(k, v)
				span.SetStringAttribute(k, v)
			}
			for k, v := range s.Metrics {
				span.SetFloat64Attribute(k, v)
			}
			spans = append(spans, span)
		}
		id := uInt64ToTraceID(0x6b000ced00000000, trace[0].TraceID)
		payload.Chunks = append(payload.Chunks, idx.NewInternalTraceChunk(table, 1, "", nil, spans, false, id[:], 0))
	}
	body, err := payload.MarshalMsg(nil)
	require.NoError(t, err)
	return body
}

// baselineIdx is baseline for v1.0, which the upstream receiver can't read: the same work from the agent's structs.
func baselineIdx(in *idx.InternalTracerPayload) ptrace.Traces {
	var traces pb.Traces
	for _, chunk := range in.Chunks {
		var trace pb.Trace
		for _, s := range chunk.Spans {
			span := &pb.Span{
				Service: s.Service(), Name: s.Name(), Resource: s.Resource(), Type: s.Type(), TraceID: chunk.LegacyTraceID(),
				SpanID: s.SpanID(), ParentID: s.ParentID(), Start: int64(s.Start()), Duration: int64(s.Duration()),
				Meta: make(map[string]string), Metrics: make(map[string]float64),
			}
			for key, value := range s.Attributes() {
				if d, ok := value.Value.(*idx.AnyValue_DoubleValue); ok {
					span.Metrics[in.Strings.Get(key)] = d.DoubleValue
				} else {
					span.Meta[in.Strings.Get(key)] = value.AsString(in.Strings)
				}
			}
			for _, l := range s.Links() {
				id, attrs := l.TraceID(), make(map[string]string, len(l.Attributes()))
				for key, value := range l.Attributes() {
					attrs[in.Strings.Get(key)] = value.AsString(in.Strings)
				}
				span.SpanLinks = append(span.SpanLinks, &pb.SpanLink{TraceID: be(id[8:]), TraceIDHigh: be(id[:8]), SpanID: l.SpanID(),
					Tracestate: l.Tracestate(), Flags: l.Flags(), Attributes: attrs})
			}
			for _, e := range s.Events() {
				attrs := make(map[string]*pb.AttributeAnyValue, len(e.Attributes()))
				for key, value := range e.Attributes() {
					attrs[in.Strings.Get(key)] = &pb.AttributeAnyValue{StringValue: value.AsString(in.Strings)}
				}
				span.SpanEvents = append(span.SpanEvents, &pb.SpanEvent{Name: e.Name(), TimeUnixNano: e.Time(), Attributes: attrs})
			}
			trace = append(trace, span)
		}
		traces = append(traces, trace)
	}
	return baseline(traces)
}

func readIdx(t testing.TB, body []byte) *idx.InternalTracerPayload {
	t.Helper()
	in := new(idx.InternalTracerPayload)
	_, err := in.UnmarshalMsg(body)
	require.NoError(t, err)
	return in
}
