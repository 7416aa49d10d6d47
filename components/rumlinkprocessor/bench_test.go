package rumlinkprocessor

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
)

func testLinkers(t testing.TB, cfg *Config) (*spanProcessor, *logProcessor) {
	set := processortest.NewNopSettings(metadata.Type)
	spans, err := newSpanProcessor(set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	logs, err := newLogProcessor(set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	return spans, logs
}

func numbered(n int) (trace pcommon.TraceID, span pcommon.SpanID) {
	binary.BigEndian.PutUint64(trace[:8], 0x67)
	binary.BigEndian.PutUint64(trace[8:], uint64(n/10+1))
	binary.BigEndian.PutUint64(span[:], uint64(n+1))
	return trace, span
}

// manySpans are n spans in traces of ten.
func manySpans(from, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr(enrich.AttrService, "checkout")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := from; i < from+n; i++ {
		s := spans.AppendEmpty()
		trace, id := numbered(i)
		s.SetTraceID(trace)
		s.SetSpanID(id)
		s.SetName("GET /cart")
		s.Attributes().PutStr("http.request.method", "GET")
	}
	return td
}

// manyLogs are n logs, each of one of those spans or, withIDs false, of none.
func manyLogs(from, n int, withIDs bool) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr(enrich.AttrService, "checkout")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := from; i < from+n; i++ {
		lr := records.AppendEmpty()
		if withIDs {
			trace, id := numbered(i)
			lr.SetTraceID(trace)
			lr.SetSpanID(id)
		}
		lr.SetTimestamp(pcommon.Timestamp(i))
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		lr.Body().SetStr("cart shown")
		lr.Attributes().PutStr("http.request.method", "GET")
	}
	return ld
}

// 1 000 spans and 1 000 logs, every log joined to its span, beside a baseline
// that writes what a joined log gains and looks nothing up.
func BenchmarkThousandSpansAndLogs(b *testing.B) {
	b.Run("rum_link", func(b *testing.B) {
		cfg := createDefaultConfig().(*Config)
		cfg.Store.TTL = time.Hour
		spans, logs := testLinkers(b, cfg)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			td, ld := manySpans(i*1000, 1000), manyLogs(i*1000, 1000, true)
			b.StartTimer()
			if _, err := spans.processTraces(b.Context(), td); err != nil {
				b.Fatal(err)
			}
			ld, err := logs.processLogs(b.Context(), ld)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				if v, ok := lr.Attributes().Get(enrich.AttrSpan); !ok || v.Str() != "GET /cart" {
					b.Fatal("a log was not joined")
				}
			}
			b.StartTimer()
		}
	})
	b.Run("baseline=attributes_only", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			ld := manyLogs(i*1000, 1000, true)
			b.StartTimer()
			for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				lr.Attributes().PutBool(enrich.AttrLinked, true)
				lr.Attributes().PutStr(enrich.AttrMethod, "span")
				lr.Attributes().PutStr(enrich.AttrSpan, "GET /cart")
			}
		}
	})
	b.Run("no_ids", func(b *testing.B) {
		_, logs := testLinkers(b, createDefaultConfig().(*Config))
		ld := manyLogs(0, 1000, false)
		if _, err := logs.processLogs(b.Context(), ld); err != nil { // says trace_linked=false, once
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := logs.processLogs(b.Context(), ld); err != nil {
				b.Fatal(err)
			}
		}
	})
}
