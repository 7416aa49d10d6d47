package decode

import (
	"encoding/binary"
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
				attrs.PutStr(translated(k), v)
			}
			for k, v := range span.Metrics {
				attrs.PutDouble(translated(k), v)
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

type pipeline struct {
	body     []byte
	format   Format
	baseline func([]byte) ptrace.Traces
}

func pipelines(t testing.TB) map[string]pipeline {
	t.Helper()
	traces := jsTraces(t)
	return map[string]pipeline{
		"v0.4": {body: repeatedV04(t), format: V04, baseline: func(body []byte) ptrace.Traces {
			var in pb.Traces
			if _, err := in.UnmarshalMsg(body); err != nil {
				panic(err)
			}
			return baseline(in)
		}},
		"v0.5": {body: encodeV05(traces), format: V05, baseline: func(body []byte) ptrace.Traces {
			var in pb.Traces
			if err := in.UnmarshalMsgDictionary(body); err != nil {
				panic(err)
			}
			return baseline(in)
		}},
		"v1.0": {body: encodeV10(t, traces), format: V10, baseline: func(body []byte) ptrace.Traces {
			in := new(idx.InternalTracerPayload)
			if _, err := in.UnmarshalMsg(body); err != nil {
				panic(err)
			}
			return baselineIdx(in)
		}},
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, version := range []string{"v0.4", "v0.5", "v1.0"} {
		p := pipelines(b)[version]
		b.Run(version+"/ours", func(b *testing.B) {
			d := New(Options{MaxSpans: benchSpans})
			perSpan(b, func() {
				if td, _, err := d.Decode(p.format, p.body, Headers{}); err != nil || td.SpanCount() != benchSpans {
					b.Fatal(err)
				}
			})
		})
		b.Run(version+"/baseline", func(b *testing.B) {
			perSpan(b, func() {
				if p.baseline(p.body).SpanCount() != benchSpans {
					b.Fatal("spans are missing")
				}
			})
		})
	}
}

func perSpan(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans, "ns/span")
}

// cost measures allocations and bytes for one span.
func cost(f func()) (allocs, bytes float64) {
	const runs = 10
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs / benchSpans, float64(after.TotalAlloc-before.TotalAlloc) / runs / benchSpans
}
