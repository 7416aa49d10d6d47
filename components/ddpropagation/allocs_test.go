//go:build !race

package ddpropagation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Data with nothing to map passes without an allocation, and so does the usual Datadog data once the cache knows its traces: measured
// with a real meter provider.
func TestAllocations(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	c := newCollector(t, cfg)
	cache, release, err := (&sharedCaches{caches: map[*Config]*sharedCache{}}).acquire(c.set, cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, release()) }()
	traces, err := newTraceProcessor(c.set, cfg, cache)
	require.NoError(t, err)
	logs, err := newLogProcessor(c.set, cfg, nil)
	require.NoError(t, err)

	for name, td := range map[string]ptrace.Traces{
		"whole ids":             spansWithTID(false),
		"64-bit ids with a tid": spansWithTID(true),
		"64-bit ids without":    withoutAttributes(spansWithTID(true)),
	} {
		before := copyTraces(td)
		require.Zero(t, testing.AllocsPerRun(20, func() {
			for i, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				span.SetTraceID(before.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(i).TraceID())
			}
			_, err := traces.processTraces(t.Context(), td)
			require.NoError(t, err)
		}), name)
	}
	text := logsWithIDs(false)
	for _, record := range text.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		record.Body().SetStr("[dd.service=a dd.trace_id=" + traceDec + " dd.span_id=" + spanDec + "] hi")
	}
	for name, ld := range map[string]plog.Logs{
		"no ids":            logsWithIDs(false),
		"ids in attributes": logsWithIDs(true),
		"ids in a text":     text,
	} {
		require.Zero(t, testing.AllocsPerRun(20, func() {
			for _, record := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				record.SetTraceID(pcommon.TraceID{})
				record.SetSpanID(pcommon.SpanID{})
			}
			_, err := logs.processLogs(t.Context(), ld)
			require.NoError(t, err)
		}), name)
	}
}

func withoutAttributes(td ptrace.Traces) ptrace.Traces {
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		span.Attributes().Clear()
	}
	return td
}
