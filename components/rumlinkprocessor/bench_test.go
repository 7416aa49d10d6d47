package rumlinkprocessor

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
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

// A hundred logs with their spans a call, a fifth of them with half an id that
// waits in a bbolt file until its span comes. What the exporter's queue costs more
// comes on top.
func BenchmarkAFifthOfTheLogsWaits(b *testing.B) {
	for name, wait := range map[string]time.Duration{"waiting": 2 * time.Second, "baseline=nothing_waits": 0} {
		b.Run(name, func(b *testing.B) {
			fcfg := filestorage.NewFactory().CreateDefaultConfig().(*filestorage.Config)
			fcfg.Directory = b.TempDir()
			ext, err := filestorage.NewFactory().Create(b.Context(), extensiontest.NewNopSettings(filestorage.NewFactory().Type()), fcfg)
			require.NoError(b, err)
			require.NoError(b, ext.Start(b.Context(), componenttest.NewNopHost()))
			cfg := createDefaultConfig().(*Config)
			cfg.Logs.Wait, cfg.Storage = wait, &journaltest.ID
			set := processortest.NewNopSettings(metadata.Type)
			logs, err := NewFactory().CreateLogs(b.Context(), set, cfg, consumertest.NewNop())
			require.NoError(b, err)
			spans, err := NewFactory().CreateTraces(b.Context(), set, cfg, consumertest.NewNop())
			require.NoError(b, err)
			h := journaltest.Host{journaltest.ID: ext}
			require.NoError(b, logs.Start(b.Context(), h))
			require.NoError(b, spans.Start(b.Context(), h))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				ld, td := mixed(i*100, 100)
				b.StartTimer()
				require.NoError(b, logs.ConsumeLogs(b.Context(), ld))
				require.NoError(b, spans.ConsumeTraces(b.Context(), td))
			}
			require.NoError(b, logs.Shutdown(b.Context()))
			require.NoError(b, spans.Shutdown(b.Context()))
			require.NoError(b, ext.Shutdown(b.Context()))
		})
	}
}

// mixed are n logs of traces of ten, and the spans of every fifth, which has half
// an id.
func mixed(from, n int) (plog.Logs, ptrace.Traces) {
	ld, td := plog.NewLogs(), ptrace.NewTraces()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	sl, ss := rl.ScopeLogs().AppendEmpty(), rs.ScopeSpans().AppendEmpty()
	for i := from; i < from+n; i++ {
		var tr pcommon.TraceID
		var sp pcommon.SpanID
		binary.BigEndian.PutUint64(tr[:8], 0x6720f3a800000000)
		binary.BigEndian.PutUint64(tr[8:], uint64(i/10+1)*0x9e3779b97f4a7c15)
		binary.BigEndian.PutUint64(sp[:], uint64(i+1)*0xd1342543de82ef95)
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(pcommon.Timestamp(i*1_000_003 + 17))
		lr.SetSeverityNumber(9)
		lr.Body().SetStr(fmt.Sprint("order ", i, " stored for customer ", i*7))
		for k := range 6 {
			lr.Attributes().PutStr(fmt.Sprint("attr.", k), fmt.Sprint("value ", i+k))
		}
		lr.SetSpanID(sp)
		half := tr
		if i%5 == 0 {
			clear(half[:8])
			s := ss.Spans().AppendEmpty()
			s.SetTraceID(tr)
			s.SetSpanID(sp)
			s.SetName("POST /orders")
		}
		lr.SetTraceID(half)
	}
	return ld, td
}
