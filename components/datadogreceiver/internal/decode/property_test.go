package decode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/proto"
)

// flat is a span with everything that was in it, whichever way it came.
type flat struct {
	Service, Name, Resource, Type   string
	TraceID, SpanID, ParentID       uint64
	Start, Duration                 int64
	Failed                          bool
	Attributes, Links, Events, Home []string
}

// Whatever datadog-agent's encoders write, the decoder reads the same spans out of it as datadog-agent's own decoders.
func TestSameSpansAsTheAgent(t *testing.T) {
	const rounds = 150
	for name, f := range map[string]func(t *testing.T, traces pb.Traces) (Format, []byte, []flat){
		"v0.4": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			body, err := traces.MarshalMsg(nil)
			require.NoError(t, err)
			var read pb.Traces
			_, err = read.UnmarshalMsg(body)
			require.NoError(t, err)
			return V04, body, flatTraces(read, "")
		},
		"v0.5": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			body := encodeV05(traces)
			var read pb.Traces
			require.NoError(t, read.UnmarshalMsgDictionary(body))
			return V05, body, flatTraces(read, "")
		},
		"v0.7": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			payload := tracerPayload(traces)
			body, err := payload.MarshalMsg(nil)
			require.NoError(t, err)
			read := new(pb.TracerPayload)
			_, err = read.UnmarshalMsg(body)
			require.NoError(t, err)
			return V07, body, flatPayload(read)
		},
		"v1.0": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			body := encodeV10(t, traces)
			read := new(idx.InternalTracerPayload)
			_, err := read.UnmarshalMsg(body)
			require.NoError(t, err)
			return V10, body, flatIdx(read)
		},
		"agent": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			payload := tracerPayload(traces)
			body, err := proto.Marshal(&pb.AgentPayload{TracerPayloads: []*pb.TracerPayload{payload}})
			require.NoError(t, err)
			read := new(pb.AgentPayload)
			require.NoError(t, proto.Unmarshal(body, read))
			return AgentPayload, body, flatPayload(read.TracerPayloads[0])
		},
		"agent v1.0": func(t *testing.T, traces pb.Traces) (Format, []byte, []flat) {
			read := new(idx.InternalTracerPayload)
			_, err := read.UnmarshalMsg(encodeV10(t, traces))
			require.NoError(t, err)
			body, err := proto.Marshal(&pb.AgentPayload{IdxTracerPayloads: []*idx.TracerPayload{read.ToProto()}})
			require.NoError(t, err)
			return AgentPayload, body, flatIdx(read)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := New(Options{Mode: Lossless, MaxSpans: 10_000})
			for seed := range uint64(rounds) {
				g := generator{Rand: rand.New(rand.NewPCG(seed, 7)), plain: name != "v0.4" && name != "v0.5"}
				g.native = name == "v0.4" || name == "v0.7" || name == "agent"
				format, body, want := f(t, g.traces())
				td, stats, err := d.Decode(format, body, Headers{})
				require.NoError(t, err)
				require.Zero(t, stats.Dropped)
				require.Equal(t, sorted(want), sorted(flatOTLP(td)), "seed %d", seed)
			}
		})
	}
}

func tracerPayload(traces pb.Traces) *pb.TracerPayload {
	p := &pb.TracerPayload{ContainerID: "c", LanguageName: "go", Env: "e", Hostname: "h", AppVersion: "v", Tags: map[string]string{"k": "v"}}
	for _, trace := range traces {
		p.Chunks = append(p.Chunks, &pb.TraceChunk{Priority: -128, Spans: trace})
	}
	return p
}

type generator struct {
	*rand.Rand
	// plain texts are valid UTF-8; native spans have links, events and structs in the encoding's own way.
	plain, native bool
}

func (g generator) traces() pb.Traces {
	var traces pb.Traces
	for range 1 + g.IntN(4) {
		id := g.Uint64() | 1
		var trace pb.Trace
		for range 1 + g.IntN(5) {
			trace = append(trace, g.span(id))
		}
		traces = append(traces, trace)
	}
	return traces
}

func (g generator) span(traceID uint64) *pb.Span {
	s := &pb.Span{
		Service: g.choose("shop", "cart", "pay"), Name: g.text(), Resource: g.text(), Type: g.choose("web", "sql", "", "worker"),
		TraceID: traceID, SpanID: g.Uint64() | 1, ParentID: g.Uint64(),
		Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + g.Int64N(1e15), Duration: g.Int64N(1e12), Error: g.Int32N(2),
		Meta: map[string]string{}, Metrics: map[string]float64{},
	}
	for range g.IntN(12) {
		s.Meta["s."+g.text()] = g.text()
	}
	for range g.IntN(8) {
		s.Metrics["n."+g.text()] = g.choose64(0, 1, -1, 1.5, g.NormFloat64(), math.MaxFloat64)
	}
	if !g.native {
		return s
	}
	for range g.IntN(3) {
		s.SpanLinks = append(s.SpanLinks, &pb.SpanLink{TraceID: g.Uint64() | 1, TraceIDHigh: g.Uint64(), SpanID: g.Uint64() | 1,
			Tracestate: g.choose("", "dd=s:1"), Flags: g.Uint32N(2), Attributes: map[string]string{"l." + g.text(): g.text()}})
	}
	for range g.IntN(3) {
		s.SpanEvents = append(s.SpanEvents, &pb.SpanEvent{Name: "e" + g.text(), TimeUnixNano: g.Uint64(), Attributes: g.eventAttributes()})
	}
	for range g.IntN(2) {
		if s.MetaStruct == nil {
			s.MetaStruct = map[string][]byte{}
		}
		s.MetaStruct["b."+g.text()] = []byte(g.text())
	}
	return s
}

func (g generator) eventAttributes() map[string]*pb.AttributeAnyValue {
	return map[string]*pb.AttributeAnyValue{
		"str":   {Type: pb.AttributeAnyValue_STRING_VALUE, StringValue: g.text()},
		"bool":  {Type: pb.AttributeAnyValue_BOOL_VALUE, BoolValue: g.IntN(2) == 1},
		"int":   {Type: pb.AttributeAnyValue_INT_VALUE, IntValue: g.Int64()},
		"float": {Type: pb.AttributeAnyValue_DOUBLE_VALUE, DoubleValue: g.NormFloat64()},
		"list": {Type: pb.AttributeAnyValue_ARRAY_VALUE, ArrayValue: &pb.AttributeArray{Values: []*pb.AttributeArrayValue{
			{Type: pb.AttributeArrayValue_STRING_VALUE, StringValue: g.text()},
			{Type: pb.AttributeArrayValue_INT_VALUE, IntValue: g.Int64()},
		}}},
	}
}

func (g generator) choose(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) choose64(of ...float64) float64 { return of[g.IntN(len(of))] }

func (g generator) text() string {
	switch g.IntN(6) {
	case 0:
		return strings.Repeat("long ", g.IntN(500)) + fmt.Sprint(g.IntN(9))
	case 1:
		if !g.plain {
			return "bad\xff\xfe" + fmt.Sprint(g.IntN(9))
		}
	case 2:
		return "üñí\U0001F600" + fmt.Sprint(g.IntN(9))
	}
	return g.choose("GET", "http.method", "a", "b", "c.d", "value") + fmt.Sprint(g.IntN(20))
}

func sorted(spans []flat) []flat {
	sort.Slice(spans, func(i, j int) bool { return fmt.Sprint(spans[i]) < fmt.Sprint(spans[j]) })
	return spans
}

func flatTraces(traces pb.Traces, home string) []flat {
	var out []flat
	for _, trace := range traces {
		for _, s := range trace {
			f := flat{Service: s.Service, Name: s.Name, Resource: s.Resource, Type: s.Type, TraceID: s.TraceID, SpanID: s.SpanID,
				ParentID: s.ParentID, Start: s.Start, Duration: s.Duration, Failed: s.Error != 0}
			if home != "" {
				f.Home = []string{home}
			}
			for k, v := range s.Meta {
				f.Attributes = append(f.Attributes, k+"="+v)
			}
			for k, v := range s.Metrics {
				f.Attributes = append(f.Attributes, fmt.Sprint(k, "=", v))
			}
			for k, v := range s.MetaStruct {
				f.Attributes = append(f.Attributes, fmt.Sprint(k, "=", v))
			}
			for _, l := range s.SpanLinks {
				f.Links = append(f.Links, repaired(fmt.Sprintf("%016x%016x %016x %s %d %v", l.TraceIDHigh, l.TraceID, l.SpanID, l.Tracestate, l.Flags, l.Attributes)))
			}
			for _, e := range s.SpanEvents {
				attrs := map[string]any{}
				for k, v := range e.Attributes {
					attrs[k] = native(v)
				}
				f.Events = append(f.Events, repaired(fmt.Sprint(e.TimeUnixNano, e.Name, attrs)))
			}
			sort.Strings(f.Attributes)
			out = append(out, f)
		}
	}
	return out
}

// repaired is what the agent does to invalid UTF-8 in tags and forgets in links and events.
func repaired(s string) string { return string([]rune(s)) }

func native(v *pb.AttributeAnyValue) any {
	switch v.Type {
	case pb.AttributeAnyValue_BOOL_VALUE:
		return v.BoolValue
	case pb.AttributeAnyValue_INT_VALUE:
		return v.IntValue
	case pb.AttributeAnyValue_DOUBLE_VALUE:
		return v.DoubleValue
	case pb.AttributeAnyValue_ARRAY_VALUE:
		return []any{v.ArrayValue.Values[0].StringValue, v.ArrayValue.Values[1].IntValue}
	}
	return v.StringValue
}

func flatPayload(p *pb.TracerPayload) []flat {
	var out []flat
	for _, chunk := range p.Chunks {
		out = append(out, flatTraces(pb.Traces{chunk.Spans}, fmt.Sprint(p.ContainerID, p.LanguageName, p.Env, p.Hostname, p.AppVersion, p.Tags["k"]))...)
	}
	return out
}

func flatIdx(p *idx.InternalTracerPayload) []flat {
	var out []flat
	for _, chunk := range p.Chunks {
		for _, s := range chunk.Spans {
			f := flat{Service: s.Service(), Name: s.Name(), Resource: s.Resource(), Type: s.Type(), TraceID: chunk.LegacyTraceID(),
				SpanID: s.SpanID(), ParentID: s.ParentID(), Start: int64(s.Start()), Duration: int64(s.Duration()), Failed: s.Error()}
			for key, value := range s.Attributes() {
				var v any = value.AsString(p.Strings)
				if d, ok := value.Value.(*idx.AnyValue_DoubleValue); ok {
					v = d.DoubleValue
				}
				f.Attributes = append(f.Attributes, fmt.Sprint(p.Strings.Get(key), "=", v))
			}
			sort.Strings(f.Attributes)
			out = append(out, f)
		}
	}
	return out
}

// flatOTLP reads back what lossless mode wrote.
func flatOTLP(td ptrace.Traces) []flat {
	var out []flat
	for _, rs := range td.ResourceSpans().All() {
		home := func(key string) string {
			v, _ := rs.Resource().Attributes().Get(key)
			return v.AsString()
		}
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			id := span.TraceID()
			parent := span.ParentSpanID()
			own := span.SpanID()
			f := flat{Service: home("service.name"), TraceID: be(id[8:]), SpanID: be(own[:]), ParentID: be(parent[:]),
				Start: int64(span.StartTimestamp()), Duration: int64(span.EndTimestamp() - span.StartTimestamp()),
				Failed: span.Status().Code() == ptrace.StatusCodeError}
			if _, ok := rs.Resource().Attributes().Get("container.id"); ok {
				f.Home = []string{home("container.id") + home("telemetry.sdk.language") + home("deployment.environment.name") +
					home("host.name") + home("service.version") + home("k")}
			}
			for key, value := range span.Attributes().All() {
				switch key {
				case "operation.name":
					f.Name = value.Str()
				case "resource.name":
					f.Resource = value.Str()
				case "span.type":
					f.Type = value.Str()
				case "_dd.p.tid", "_sampling_priority_v1":
				default:
					f.Attributes = append(f.Attributes, fmt.Sprint(key, "=", value.AsRaw()))
				}
			}
			for _, l := range span.Links().All() {
				f.Links = append(f.Links, fmt.Sprintf("%s %s %s %d %v", l.TraceID(), l.SpanID(), l.TraceState().AsRaw(), l.Flags(), l.Attributes().AsRaw()))
			}
			for _, e := range span.Events().All() {
				f.Events = append(f.Events, fmt.Sprint(uint64(e.Timestamp()), e.Name(), e.Attributes().AsRaw()))
			}
			sort.Strings(f.Attributes)
			out = append(out, f)
		}
	}
	return out
}

func be(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
