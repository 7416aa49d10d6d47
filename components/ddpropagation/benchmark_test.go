package ddpropagation

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

const benchmarkItems = 1000

// The same mapping as the transform processor's language writes it. It knows one span at a time: no chunk whose first span
// has the tid, no check of the tid's form, no collision, no link.
const tracesOTTL = `set(span.trace_id.string, Concat([span.attributes["_dd.p.tid"], Substring(span.trace_id.string, 16, 16)], "")) ` +
	`where span.attributes["_dd.p.tid"] != nil and Substring(span.trace_id.string, 0, 16) == "0000000000000000"`

// The nearest it comes for logs: one flat form of the eight, hex trace ids only, span ids below 2^63 only.
var logsOTTL = []string{
	`set(log.trace_id.string, log.attributes["dd.trace_id"]) where log.attributes["dd.trace_id"] != nil and Len(log.attributes["dd.trace_id"]) == 32`,
	`set(log.span_id.string, Hex(Int(log.attributes["dd.span_id"]))) where log.attributes["dd.span_id"] != nil`,
}

// BenchmarkProcessor compares a batch of 1 000 items of 16 attributes with the same mapping in OTTL, and with a bare look-up of the
// attribute in each item, below which nothing can go.
func BenchmarkProcessor(b *testing.B) {
	b.Run("traces", func(b *testing.B) {
		b.Run("ours", func(b *testing.B) {
			benchmarkTraces(b, oursTraces(b, createDefaultConfig().(*Config)).ConsumeTraces)
		})
		b.Run("ottl", func(b *testing.B) {
			benchmarkTraces(b, ottlTraces(b).ConsumeTraces)
		})
		b.Run("floor", func(b *testing.B) {
			benchmarkTraces(b, func(_ context.Context, td ptrace.Traces) error {
				for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
					if _, ok := span.Attributes().Get(tidKey); !ok {
						b.Fatal("no tid")
					}
				}
				return nil
			})
		})
		b.Run("nothing_to_map", func(b *testing.B) {
			p := oursTraces(b, createDefaultConfig().(*Config))
			td := spansWithTID(false)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, p.ConsumeTraces(b.Context(), td))
			}
		})
	})
	b.Run("logs", func(b *testing.B) {
		b.Run("ours", func(b *testing.B) {
			benchmarkLogs(b, oursLogs(b, createDefaultConfig().(*Config)).ConsumeLogs)
		})
		b.Run("ottl", func(b *testing.B) {
			benchmarkLogs(b, ottlLogs(b).ConsumeLogs)
		})
		b.Run("floor", func(b *testing.B) {
			benchmarkLogs(b, func(_ context.Context, ld plog.Logs) error {
				for _, record := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
					if _, ok := record.Attributes().Get(logTraceIDKey); !ok {
						b.Fatal("no id")
					}
				}
				return nil
			})
		})
		b.Run("nothing_to_map", func(b *testing.B) {
			p := oursLogs(b, createDefaultConfig().(*Config))
			ld := logsWithIDs(false)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, p.ConsumeLogs(b.Context(), ld))
			}
		})
	})
}

// Both sides do the same: what benchmarkTraces calls "ottl" maps every span as "ours" does.
func TestOTTLBaselineMapsTheSameIDs(t *testing.T) {
	ours, theirs := spansWithTID(true), spansWithTID(true)
	require.NoError(t, oursTraces(t, createDefaultConfig().(*Config)).ConsumeTraces(t.Context(), ours))
	require.NoError(t, ottlTraces(t).ConsumeTraces(t.Context(), theirs))
	require.Equal(t, ours, theirs)
	require.NotEqual(t, spansWithTID(true), ours)

	ourLogs, theirLogs := logsWithIDs(true), logsWithIDs(true)
	require.NoError(t, oursLogs(t, createDefaultConfig().(*Config)).ConsumeLogs(t.Context(), ourLogs))
	require.NoError(t, ottlLogs(t).ConsumeLogs(t.Context(), theirLogs))
	require.Equal(t, ourLogs, theirLogs)
	require.NotEqual(t, logsWithIDs(true), ourLogs)
}

// benchmarkTraces gives consume the same batch again and again, with its 64-bit ids put back before each: about 3 ns a span.
func benchmarkTraces(b *testing.B, consume func(context.Context, ptrace.Traces) error) {
	td := spansWithTID(true)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	b.ReportAllocs()
	for b.Loop() {
		for i := range benchmarkItems {
			spans.At(i).SetTraceID(ddcontext.JoinTraceID(0, lowerHalf(i)))
		}
		if err := consume(b.Context(), td); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchmarkItems, "ns/span")
}

func benchmarkLogs(b *testing.B, consume func(context.Context, plog.Logs) error) {
	ld := logsWithIDs(true)
	records := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	b.ReportAllocs()
	for b.Loop() {
		for i := range benchmarkItems {
			records.At(i).SetTraceID(pcommon.TraceID{})
			records.At(i).SetSpanID(pcommon.SpanID{})
		}
		if err := consume(b.Context(), ld); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchmarkItems, "ns/record")
}

func lowerHalf(i int) uint64 { return uint64(i+1) * 0x9e3779b97f4a7c15 }

// spansWithTID is the worst case: 1 000 traces of one span each. Without the tid it is what an OpenTelemetry SDK sends.
func spansWithTID(with bool) ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range benchmarkItems {
		span := spans.AppendEmpty()
		span.SetName("GET /cart")
		span.SetSpanID(ddcontext.SpanID(lowerHalf(i)))
		span.SetTraceID(ddcontext.JoinTraceID(0, lowerHalf(i)))
		fillAttributes(span.Attributes(), 15)
		if with {
			span.Attributes().PutStr(tidKey, "6a70aa9500000000")
		} else {
			span.Attributes().PutStr("http.route", "/cart")
			span.SetTraceID(ddcontext.JoinTraceID(0x6a70aa9500000000, lowerHalf(i)))
		}
	}
	return td
}

func logsWithIDs(with bool) plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range benchmarkItems {
		record := records.AppendEmpty()
		record.Body().SetStr("charged the card of a customer in 31 ms")
		fillAttributes(record.Attributes(), 14)
		if with {
			record.Attributes().PutStr(logTraceIDKey, fmt.Sprintf("6a70aa9500000000%016x", lowerHalf(i)))
			record.Attributes().PutStr(logSpanIDKey, strconv.FormatUint(lowerHalf(i)>>1, 10))
		} else {
			record.Attributes().PutStr("dd.service", "checkout")
			record.Attributes().PutStr("dd.env", "prod")
		}
	}
	return ld
}

func fillAttributes(attrs pcommon.Map, n int) {
	names := []string{"http.request.method", "url.full", "url.path", "http.response.status_code", "server.address", "server.port",
		"client.address", "user_agent.original", "network.protocol.version", "thread.id", "thread.name", "code.function.name",
		"deployment.environment.name", "enduser.id", "peer.service"}
	for _, name := range names[:n] {
		attrs.PutStr(name, "https://shop.example/cart?item=4711")
	}
}

func oursTraces(t testing.TB, cfg *Config) processor.Traces {
	p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(typ), cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

func oursLogs(t testing.TB, cfg *Config) processor.Logs {
	p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(typ), cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

func ottlTraces(t testing.TB) processor.Traces {
	f := transformprocessor.NewFactory()
	cfg := ottlConfig(t, f, map[string]any{"trace_statements": []any{tracesOTTL}})
	p, err := f.CreateTraces(t.Context(), processortest.NewNopSettings(f.Type()), cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

func ottlLogs(t testing.TB) processor.Logs {
	f := transformprocessor.NewFactory()
	cfg := ottlConfig(t, f, map[string]any{"log_statements": []any{logsOTTL[0], logsOTTL[1]}})
	p, err := f.CreateLogs(t.Context(), processortest.NewNopSettings(f.Type()), cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

func ottlConfig(t testing.TB, f processor.Factory, raw map[string]any) component.Config {
	cfg := f.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg))
	require.NoError(t, cfg.(interface{ Validate() error }).Validate())
	return cfg
}

func started[P component.Component](t testing.TB, p P) P {
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
	return p
}
