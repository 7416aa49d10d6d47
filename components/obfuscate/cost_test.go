package obfuscate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
)

type attributeKey = attribute.Key

func newTestEngine(t testing.TB) *engine {
	set := processortest.NewNopSettings(typ)
	set.TelemetrySettings = componenttest.NewNopTelemetrySettings()
	e, err := newEngine(set, createDefaultConfig().(*Config))
	require.NoError(t, err)
	return e
}

// plainBatch is spans of 16 attributes, none of which is about a database or URL.
func plainBatch() ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 100 {
		span := spans.AppendEmpty()
		span.SetName("GET /cart")
		for i := range 13 {
			span.Attributes().PutStr(fmt.Sprintf("shop.attribute_%d", i), "some value of an attribute")
		}
		span.Attributes().PutInt("http.response.status_code", 200)
		span.Attributes().PutStr("http.request.method", "GET")
		span.Attributes().PutBool("sampled", true)
	}
	return td
}

func queryBatch() ptrace.Traces {
	td := plainBatch()
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		span.Attributes().PutStr("db.system.name", "postgresql")
		span.Attributes().PutStr("db.query.text", "SELECT id, name FROM users WHERE email = ? AND age > ?")
	}
	return td
}

func TestAllocations(t *testing.T) {
	for name, td := range map[string]ptrace.Traces{"nothing to hide": plainBatch(), "texts that are remembered": queryBatch()} {
		e := newTestEngine(t)
		_, err := e.processTraces(t.Context(), td)
		require.NoError(t, err)
		require.Zero(t, testing.AllocsPerRun(50, func() { _, _ = e.processTraces(t.Context(), td) }), name)
	}
}

func BenchmarkTraces(b *testing.B) {
	for name, td := range map[string]ptrace.Traces{"plain": plainBatch(), "query": queryBatch()} {
		b.Run(name, func(b *testing.B) {
			e := newTestEngine(b)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = e.processTraces(b.Context(), td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/span")
		})
	}
	b.Run("bare_walk", func(b *testing.B) {
		td, n := plainBatch(), 0
		for b.Loop() {
			for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				for key, v := range span.Attributes().All() {
					n += len(key) + int(v.Type())
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/span")
	})
}
