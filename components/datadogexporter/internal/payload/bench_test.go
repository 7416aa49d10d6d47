//go:build unix

package payload

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
)

// spans are 1 000 spans of 125 traces with eight attributes of their own, ids and times that differ.
func spans(native bool) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	a := rs.Resource().Attributes()
	_ = a.FromRaw(map[string]any{"service.name": "shop", "service.version": "1.2.3", "deployment.environment.name": "prod", "host.name": "h1", "telemetry.sdk.language": "go", "telemetry.sdk.version": "1.45", "container.id": "abc"})
	if native {
		a.PutStr("telemetry.sdk.name", "datadog")
	}
	list := rs.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for i := range 1000 {
		s := list.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 14: byte(i / 8 >> 8), 15: byte(i / 8)})
		s.SetSpanID(pcommon.SpanID{1, 6: byte(i >> 8), 7: byte(i)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(i) * time.Microsecond)))
		s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(i*1000))
		s.SetName("SELECT orders")
		s.SetKind(ptrace.SpanKindClient)
		if i%8 == 0 {
			s.SetKind(ptrace.SpanKindServer)
		} else {
			s.SetParentSpanID(pcommon.SpanID{1, 6: byte((i - 1) >> 8), 7: byte(i - 1)})
		}
		if native {
			s.Attributes().PutStr("operation.name", "postgresql.query")
			s.Attributes().PutStr("resource.name", "SELECT ? FROM orders")
			s.Attributes().PutStr("span.type", "sql")
			s.Attributes().PutDouble("_dd.measured", 1)
		}
		s.Attributes().PutStr("db.system", "postgresql")
		s.Attributes().PutStr("db.statement", "SELECT ? FROM orders")
		for j := range 6 {
			s.Attributes().PutStr(fmt.Sprint("app.tag.", j), fmt.Sprint("value-", i, "-", j))
		}
	}
	return td
}

// cpu is the processor's time so far: on a machine that others use too, the clock says nothing.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perSpan reports the processor's time for a span, garbage collection included.
func perSpan(b *testing.B, began time.Duration) {
	b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(b.N)/1000, "cpu-ns/span")
}

func BenchmarkBuild(b *testing.B) {
	for _, native := range []bool{true, false} {
		b.Run(map[bool]string{true: "native", false: "otel"}[native], func(b *testing.B) {
			td, bd := spans(native), builder(b, MaxBytes)
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				bd.Build(td)
			}
			perSpan(b, began)
		})
	}
}

// Mapping, grouping, protobuf and zstd: all there is behind the queue but the request.
func BenchmarkBuildAndEncode(b *testing.B) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	require.NoError(b, err)
	for _, native := range []bool{true, false} {
		b.Run(map[bool]string{true: "native", false: "otel"}[native], func(b *testing.B) {
			td, bd := spans(native), builder(b, MaxBytes)
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				for _, p := range bd.Build(td).Parts {
					raw, err := p.Payload().MarshalVT()
					require.NoError(b, err)
					enc.EncodeAll(raw, nil)
				}
			}
			perSpan(b, began)
		})
	}
}

func BenchmarkStatistics(b *testing.B) {
	for _, native := range []bool{true, false} {
		b.Run(map[bool]string{true: "native", false: "otel"}[native], func(b *testing.B) {
			td := spans(native)
			m, err := ddspan.NewMapper(ddspan.Options{})
			require.NoError(b, err)
			c := ddstats.NewCounter(m, "h", nil, time.Now)
			buckets := ddstats.NewBuckets(10*time.Second, ddstats.DefaultLimits, time.Now())
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				buckets.Add(c.Count(td), time.Now())
			}
			perSpan(b, began)
		})
	}
}
