//go:build !race

package rumlinkprocessor

// The race detector allocates too, so these hold without it.

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

// Data without ids passes at no cost: not one allocation is made to look at it.
// Saying trace_linked=false on it costs what writing the two attributes costs,
// and not a byte more, and is not done twice.
func TestDataWithoutIDsAllocatesNothing(t *testing.T) {
	const n = 1000
	unmarked := createDefaultConfig().(*Config)
	unmarked.Logs.MarkNoID = false
	require.Zero(t, allocsOfLogs(t, unmarked, manyLogs(0, n, false)))

	marked := manyLogs(0, n, false)
	for _, lr := range marked.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.Attributes().PutBool(enrich.AttrLinked, false)
	}
	require.Zero(t, allocsOfLogs(t, createDefaultConfig().(*Config), marked))

	plain := manyLogs(0, n, false)
	writing := allocsOf(plain, func(ld plog.Logs) {
		for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.Attributes().PutBool(enrich.AttrLinked, false)
			lr.Attributes().PutStr(enrich.AttrMissReason, "no_id")
		}
	})
	require.Equal(t, writing, allocsOfLogs(t, createDefaultConfig().(*Config), plain))
}

// Spans that have no logs and no user pass at no cost once the store has grown.
func TestSpansWithoutLogsAllocateNothing(t *testing.T) {
	spans, _ := testLinkers(t, createDefaultConfig().(*Config))
	td := manySpans(0, 1000)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		_, err := spans.processTraces(t.Context(), td)
		require.NoError(t, err)
	}))
}

// Without logs to join, nothing is learned of spans; nor is anything counted of
// logs without spans to read it.
func TestWhatNobodyReadsIsNotLearned(t *testing.T) {
	set := processortest.NewNopSettings(metadata.Type)
	cfg := createDefaultConfig().(*Config)
	spans, err := newSpanProcessor(set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	_, err = spans.processTraces(t.Context(), manySpans(0, 1000))
	require.NoError(t, err)
	require.Zero(t, spans.index.Stats().Entries)

	cfg = createDefaultConfig().(*Config)
	logs, err := newLogProcessor(set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	_, err = logs.processLogs(t.Context(), manyLogs(0, 1000, true))
	require.NoError(t, err)
	require.Zero(t, logs.index.Stats().Entries)
}

// Joining a log costs what writing its attributes costs, and the tables of a
// batch, never something for each log or span more.
func TestJoiningAllocatesForWhatItWritesAlone(t *testing.T) {
	const n, rounds = 1000, 20
	spans, logs := testLinkers(t, createDefaultConfig().(*Config))
	_, err := spans.processTraces(t.Context(), manySpans(0, n)) // the store has grown
	require.NoError(t, err)
	var joined, plain []plog.Logs
	for i := range rounds + 1 { // AllocsPerRun warms up with one
		ld := manyLogs(0, n, true)
		for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.SetTimestamp(pcommon.Timestamp(i)) // none is sent again
		}
		joined, plain = append(joined, ld), append(plain, manyLogs(0, n, true))
	}
	i := 0
	writing := testing.AllocsPerRun(rounds, func() {
		for _, lr := range plain[i].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.Attributes().PutBool(enrich.AttrLinked, true)
			lr.Attributes().PutStr(enrich.AttrMethod, "span")
			lr.Attributes().PutStr(enrich.AttrSpan, "GET /cart")
		}
		i++
	})
	i = 0
	joining := testing.AllocsPerRun(rounds, func() {
		_, err := logs.processLogs(t.Context(), joined[i])
		require.NoError(t, err)
		i++
	})
	last, ok := joined[rounds].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(n - 1).Attributes().Get(enrich.AttrSpan)
	require.True(t, ok)
	require.Equal(t, "GET /cart", last.Str())
	t.Logf("%v allocations, of which writing takes %v", joining, writing)
	require.LessOrEqual(t, joining, writing+n/10)
}

// Ten times more data than fits: the store's memory stays within max_bytes and
// a fifth, and everything passes.
func TestUnderOverloadMemoryStaysBounded(t *testing.T) {
	for _, policy := range []string{evictOldest, dropNew} {
		t.Run(policy, func(t *testing.T) {
			const maxBytes = 8 << 20
			cfg := createDefaultConfig().(*Config)
			cfg.Store.MaxBytes = maxBytes
			cfg.Store.MaxEntries = 10_000_000
			cfg.Store.OnFull = policy
			before := liveHeap()
			spans, logs := testLinkers(t, cfg)
			sent := int64(0)
			var peak int64
			for i := 0; sent < 10*maxBytes; i++ {
				ld := manyLogs(i*1000, 1000, true)
				for n, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
					if n%20 == 0 {
						lr.SetSeverityNumber(plog.SeverityNumberError)
						lr.Attributes().PutStr("exception.stacktrace", fmt.Sprintf("%04000d", i*1000+n))
					}
				}
				td := manySpans(i*1000, 1000)
				for n, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
					s.SetName(fmt.Sprint("span ", i*1000+n))
					s.Attributes().PutStr("session.id", fmt.Sprint("session ", i*1000+n))
				}
				sent += int64((&plog.ProtoMarshaler{}).LogsSize(ld)) + int64((&ptrace.ProtoMarshaler{}).TracesSize(td))
				_, err := logs.processLogs(t.Context(), ld)
				require.NoError(t, err)
				_, err = spans.processTraces(t.Context(), td)
				require.NoError(t, err)
				if i%50 == 0 {
					peak = max(peak, liveHeap()-before)
				}
			}
			peak = max(peak, liveHeap()-before)
			stats := spans.linker.index.Stats()
			t.Logf("sent %d MiB, live heap %d KiB of %d KiB, %d entries, %d evicted, %d refused",
				sent>>20, peak>>10, maxBytes>>10, stats.Entries, stats.EvictedCapacity, stats.DroppedNew)
			require.Positive(t, stats.EvictedCapacity+stats.DroppedNew, "the store was never full")
			require.LessOrEqual(t, float64(peak), 1.2*maxBytes)
			runtime.KeepAlive(logs)
		})
	}
}

// allocsOfLogs is what it costs to process ld.
func allocsOfLogs(t *testing.T, cfg *Config, ld plog.Logs) float64 {
	_, logs := testLinkers(t, cfg)
	return allocsOf(ld, func(ld plog.Logs) {
		_, err := logs.processLogs(t.Context(), ld)
		require.NoError(t, err)
	})
}

// allocsOf is what run allocates for a copy of ld, made before.
func allocsOf(ld plog.Logs, run func(plog.Logs)) float64 {
	const runs = 20
	copies := make([]plog.Logs, runs+1) // AllocsPerRun warms up with one
	for i := range copies {
		copies[i] = plog.NewLogs()
		ld.CopyTo(copies[i])
	}
	i := 0
	return testing.AllocsPerRun(runs, func() {
		run(copies[i])
		i++
	})
}

func liveHeap() int64 {
	for range 3 { // shared strings go one collection after the last that holds them
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
