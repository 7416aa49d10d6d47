package decode

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/corpus"
)

const benchSpans = 1000

// jsTraces is the JavaScript capture repeated to benchSpans spans.
func jsTraces(t testing.TB) pb.Traces {
	t.Helper()
	body, err := os.ReadFile("testdata/js-v0.4.bin")
	require.NoError(t, err)
	var one pb.Traces
	_, err = one.UnmarshalMsg(body)
	require.NoError(t, err)
	var all pb.Traces
	for len(all)*len(one[0]) < benchSpans {
		all = append(all, one[0])
	}
	return all
}

// repeatedV04 repeats the bytes of the capture, so that the order of fields is the tracer's.
func repeatedV04(t testing.TB) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/js-v0.4.bin")
	require.NoError(t, err)
	out := binary.BigEndian.AppendUint16([]byte{0xdc}, benchSpans/2)
	_, chunk, err := msgp.ReadArrayHeaderBytes(body)
	require.NoError(t, err)
	for range benchSpans / 2 {
		out = append(out, chunk...)
	}
	return out
}

// baseline is the shape of the upstream receiver: datadog-agent's structs, then attributes put one by one, then a copy per service.
// Links and events become OTLP's as with ours, whichever way they came.
func baseline(traces pb.Traces) ptrace.Traces {
	byService := make(map[string]ptrace.SpanSlice)
	for _, trace := range traces {
		for _, span := range trace {
			slice, ok := byService[span.Service]
			if !ok {
				slice = ptrace.NewSpanSlice()
				slice.EnsureCapacity(len(trace))
				byService[span.Service] = slice
			}
			out := slice.AppendEmpty()
			out.SetTraceID(uInt64ToTraceID(0, span.TraceID))
			out.SetSpanID(uInt64ToSpanID(span.SpanID))
			out.SetStartTimestamp(pcommon.Timestamp(span.Start))
			out.SetEndTimestamp(pcommon.Timestamp(span.Start + span.Duration))
			out.SetParentSpanID(uInt64ToSpanID(span.ParentID))
			out.SetName(span.Name)
			attrs := out.Attributes()
			attrs.EnsureCapacity(len(span.Meta) + 4)
			attrs.PutStr("dd.span.Resource", span.Resource)
			attrs.PutStr("sampling.priority", fmt.Sprintf("%f", span.Metrics["_sampling_priority_v1"]))
			attrs.PutStr("datadog.span.id", strconv.FormatUint(span.SpanID, 10))
			attrs.PutStr("datadog.trace.id", strconv.FormatUint(span.TraceID, 10))
			for k, v := range span.Meta {
				switch k {
				case "_dd.span_links":
					baselineLinks(v, out.Links())
				case "events":
					baselineEvents(v, out.Events())
				default:
					attrs.PutStr(translated(k), v)
				}
			}
			for k, v := range span.Metrics {
				attrs.PutDouble(translated(k), v)
			}
			for _, l := range span.SpanLinks {
				link := out.Links().AppendEmpty()
				link.SetTraceID(uInt64ToTraceID(l.TraceIDHigh, l.TraceID))
				link.SetSpanID(uInt64ToSpanID(l.SpanID))
				link.SetFlags(l.Flags)
				link.TraceState().FromRaw(l.Tracestate)
				for k, v := range l.Attributes {
					link.Attributes().PutStr(k, v)
				}
			}
			for _, e := range span.SpanEvents {
				event := out.Events().AppendEmpty()
				event.SetName(e.Name)
				event.SetTimestamp(pcommon.Timestamp(e.TimeUnixNano))
				for k, v := range e.Attributes {
					switch v.Type {
					case pb.AttributeAnyValue_INT_VALUE:
						event.Attributes().PutInt(k, v.IntValue)
					case pb.AttributeAnyValue_DOUBLE_VALUE:
						event.Attributes().PutDouble(k, v.DoubleValue)
					case pb.AttributeAnyValue_BOOL_VALUE:
						event.Attributes().PutBool(k, v.BoolValue)
					default:
						event.Attributes().PutStr(k, v.StringValue)
					}
				}
			}
		}
	}
	td := ptrace.NewTraces()
	for service, spans := range byService {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		spans.CopyTo(rs.ScopeSpans().AppendEmpty().Spans())
	}
	return td
}

func baselineLinks(text string, to ptrace.SpanLinkSlice) {
	var links []struct {
		TraceID    any            `json:"trace_id"`
		SpanID     any            `json:"span_id"`
		Flags      uint32         `json:"flags"`
		Tracestate string         `json:"tracestate"`
		Attributes map[string]any `json:"attributes"`
	}
	if json.Unmarshal([]byte(text), &links) != nil {
		return
	}
	for _, l := range links {
		link := to.AppendEmpty()
		if id, ok := l.TraceID.(string); ok && len(id) == 32 {
			high, _ := strconv.ParseUint(id[:16], 16, 64)
			low, _ := strconv.ParseUint(id[16:], 16, 64)
			link.SetTraceID(uInt64ToTraceID(high, low))
		}
		if id, ok := l.SpanID.(string); ok {
			n, _ := strconv.ParseUint(id, 16, 64)
			link.SetSpanID(uInt64ToSpanID(n))
		}
		link.SetFlags(l.Flags)
		link.TraceState().FromRaw(l.Tracestate)
		if link.Attributes().FromRaw(l.Attributes) != nil {
			return
		}
	}
}

func baselineEvents(text string, to ptrace.SpanEventSlice) {
	var events []struct {
		Name       string         `json:"name"`
		Time       uint64         `json:"time_unix_nano"`
		Attributes map[string]any `json:"attributes"`
	}
	if json.Unmarshal([]byte(text), &events) != nil {
		return
	}
	for _, e := range events {
		event := to.AppendEmpty()
		event.SetName(e.Name)
		event.SetTimestamp(pcommon.Timestamp(e.Time))
		if event.Attributes().FromRaw(e.Attributes) != nil {
			return
		}
	}
}

// translated is the upstream receiver's table of names.
func translated(key string) string {
	if to, ok := upstreamNames[strings.ToLower(key)]; ok {
		return to
	}
	return key
}

var upstreamNames = map[string]string{
	"env": "deployment.environment.name", "version": "service.version", "container_id": "container.id", "runtime-id": "service.instance.id",
	"language": "telemetry.sdk.language", "process_id": "process.pid", "http.method": "http.request.method", "http.url": "url.full",
	"http.status_code": "http.response.status_code", "http.useragent": "user_agent.original", "http.client_ip": "client.address",
	"http.version": "network.protocol.version", "out.host": "server.address", "out.port": "server.port", "db.type": "db.system.name",
	"db.name": "db.namespace", "db.statement": "db.query.text", "db.operation": "db.operation.name", "error.msg": "error.message",
	"grpc.status.code": "rpc.grpc.status_code", "kafka.topic": "messaging.destination.name", "thread.id": "thread.id", "usr.id": "user.id",
}

func uInt64ToTraceID(high, low uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

func uInt64ToSpanID(v uint64) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], v)
	return id
}

// input is what is decoded at a time: payloads of one format, and their spans.
type input struct {
	name   string
	format Format
	bodies [][]byte
	spans  int
}

// baseline decodes the input as the upstream receiver would.
func (in input) baseline() (spans int) {
	for _, body := range in.bodies {
		spans += baselines[in.format](body).SpanCount()
	}
	return spans
}

// ours decodes the input.
func (in input) ours(d *Decoder) (spans int) {
	for _, body := range in.bodies {
		td, _, err := d.Decode(in.format, body, Headers{})
		if err != nil {
			panic(err)
		}
		spans += td.SpanCount()
	}
	return spans
}

var baselines = map[Format]func([]byte) ptrace.Traces{
	V04: func(body []byte) ptrace.Traces {
		var in pb.Traces
		if _, err := in.UnmarshalMsg(body); err != nil {
			panic(err)
		}
		return baseline(in)
	},
	V05: func(body []byte) ptrace.Traces {
		var in pb.Traces
		if err := in.UnmarshalMsgDictionary(body); err != nil {
			panic(err)
		}
		return baseline(in)
	},
	V10: func(body []byte) ptrace.Traces {
		in := new(idx.InternalTracerPayload)
		if _, err := in.UnmarshalMsg(body); err != nil {
			panic(err)
		}
		return baselineIdx(in)
	},
}

// recorded is what real tracers sent.
func recorded(t testing.TB) (inputs []input) {
	t.Helper()
	d := New(Options{MaxSpans: maxSpans})
	for _, source := range corpus.Tracers() {
		in := input{name: source.String(), format: map[string]Format{"v0.4": V04, "v0.5": V05, "v1.0": V10}[source.Format]}
		for _, p := range corpus.Payloads(t, source.Client, source.Format) {
			if strings.HasSuffix(p.Path, "/traces") {
				in.bodies = append(in.bodies, p.Body)
			}
		}
		in.spans = in.ours(d)
		inputs = append(inputs, in)
	}
	return inputs
}

const maxSpans = 100_000

// repeated is one capture again and again, in three versions.
func repeated(t testing.TB) []input {
	t.Helper()
	traces := jsTraces(t)
	return []input{
		{"v0.4", V04, [][]byte{repeatedV04(t)}, benchSpans},
		{"v0.5", V05, [][]byte{encodeV05(traces)}, benchSpans},
		{"v1.0", V10, [][]byte{encodeV10(t, traces)}, benchSpans},
	}
}

func BenchmarkDecode(b *testing.B) {
	for kind, inputs := range map[string][]input{"corpus": recorded(b), "repeated": repeated(b)} {
		for _, in := range inputs {
			d := New(Options{MaxSpans: maxSpans})
			perSpan(b, kind+"/"+in.name+"/ours", in.spans, func() int { return in.ours(d) })
			perSpan(b, kind+"/"+in.name+"/baseline", in.spans, in.baseline)
		}
	}
}

func perSpan(b *testing.B, name string, spans int, decode func() int) {
	b.Run(name, func(b *testing.B) {
		before := mallocs()
		for b.Loop() {
			if decode() != spans {
				b.Fatal("spans are missing")
			}
		}
		after := mallocs()
		n := float64(b.N) * float64(spans)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/span")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/span")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/span")
		b.ReportMetric(0, "ns/op")
	})
}

func mallocs() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

// cost measures allocations and bytes for one span.
func cost(spans int, decode func() int) (allocs, bytes float64) {
	const runs = 3
	decode()
	before := mallocs()
	for range runs {
		decode()
	}
	after := mallocs()
	n := float64(runs * spans)
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}
