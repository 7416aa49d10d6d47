package rumlinkprocessor

import (
	"context"
	"testing"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func conflictsByKind(t *testing.T, tel *componenttest.Telemetry) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric("otelcol_processor_rum_link_conflicts")
	if err != nil {
		return map[string]int64{}
	}
	kinds := make(map[string]int64)
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		if kind, _ := p.Attributes.Value("kind"); p.Value > 0 {
			kinds[kind.AsString()] = p.Value
		}
	}
	return kinds
}

// A contradiction is counted and otherwise left alone: what a log says does not
// depend on what else has come, and its ids stand.
func TestContradictionsAreCountedAndLeftAlone(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	cfg := createDefaultConfig().(*Config)
	cfg.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}, Log: []string{"job"}}}
	l := newLinkerWith(t, cfg, set, componenttest.NewNopHost())

	span := someSpan(traceID(1), spanID(1), "work")
	attrs := span.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
	attrs.PutStr("job", "seven")
	attrs.PutStr("rum.view.id", "v-1")
	l.putTraces(span)
	l.putTraces(someSpan(traceID(2), spanID(2), "other"))
	require.Empty(t, conflictsByKind(t, tel))

	stranger := traceID(1)
	stranger[0] = 0x68
	raw := l.putLogs(someLogs(stranger, spanID(1), "another upper half")).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	require.Equal(t, stranger, raw.TraceID())
	require.Equal(t, map[string]any{enrich.AttrLinked: true, enrich.AttrMethod: "id"}, raw.Attributes().AsRaw())
	require.Equal(t, map[string]int64{"upper_half": 1}, conflictsByKind(t, tel))

	ld := someLogs(traceID(2), spanID(2), "the key of another trace")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("job", "seven")
	raw = l.putLogs(ld).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	require.Equal(t, traceID(2), raw.TraceID())
	require.Equal(t, map[string]any{"job": "seven", enrich.AttrLinked: true, enrich.AttrMethod: "span", enrich.AttrSpan: "other"}, raw.Attributes().AsRaw())
	require.Equal(t, map[string]int64{"upper_half": 1, "key": 1}, conflictsByKind(t, tel))

	span = someSpan(traceID(1), spanID(3), "work")
	span.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("rum.view.id", "v-2")
	l.putTraces(span)
	require.Equal(t, map[string]int64{"upper_half": 1, "key": 1, "rum": 1}, conflictsByKind(t, tel))
}

// A key fills in a span id only if it is of the log's own trace, all 128 bits of it.
func TestAKeyOfATraceWithAnotherUpperHalfFillsInNoSpanID(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}, Log: []string{"job"}}}
	l := newLinker(t, cfg)
	span := someSpan(traceID(1), spanID(1), "work")
	span.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutInt("job", 7)
	l.putTraces(span)
	stranger := traceID(1)
	stranger[0]++
	for trace, want := range map[pcommon.TraceID]pcommon.SpanID{traceID(1): spanID(1), stranger: {}} {
		ld := someLogs(trace, pcommon.SpanID{}, "by key")
		ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutInt("job", 7)
		lr := l.putLogs(ld).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		require.Equal(t, trace, lr.TraceID())
		require.Equal(t, want, lr.SpanID())
	}
}

// Where entries had to leave early, a miss may be the store's fault and says so.
func TestAMissInAFullStoreSaysSo(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Store.MaxEntries = 128
	l := newLinker(t, cfg)
	l.putTraces(manySpans(0, 5000))
	first, _ := numbered(0)
	clear(first[:8])
	out := l.putLogs(someLogs(first, spanID(1), "of the first span"))
	lr := out.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	require.Equal(t, map[string]any{enrich.AttrLinked: false, enrich.AttrMissReason: "store_full"}, lr.Attributes().AsRaw())
}
