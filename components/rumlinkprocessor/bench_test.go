package rumlinkprocessor

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

func testLinkers(t testing.TB, cfg *Config) (*spanLinker, *logLinker) {
	set := processortest.NewNopSettings(componentType)
	spans, err := newSpanLinker(set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	logs, err := newLogLinker(set, cfg, consumertest.NewNop())
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
	rs.Resource().Attributes().PutStr(attrService, "checkout")
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
	rl.Resource().Attributes().PutStr(attrService, "checkout")
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

func allocsOfLogs(t *testing.T, cfg *Config, ld plog.Logs) float64 {
	_, logs := testLinkers(t, cfg)
	copies := make([]plog.Logs, 0, 30)
	for range cap(copies) {
		c := plog.NewLogs()
		ld.CopyTo(c)
		copies = append(copies, c)
	}
	i := 0
	return testing.AllocsPerRun(20, func() {
		_, err := logs.processLogs(t.Context(), copies[i])
		require.NoError(t, err)
		i++
	})
}

// Data without ids passes at no cost: not one allocation is made to look at it.
// Saying trace_linked=false on it costs what writing the two attributes costs,
// and not a byte more, and is not done twice.
func TestDataWithoutIDsAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const n = 1000
	unmarked := createDefaultConfig().(*Config)
	unmarked.Logs.MarkNoID = false
	require.Zero(t, allocsOfLogs(t, unmarked, manyLogs(0, n, false)))

	marked := manyLogs(0, n, false)
	for _, lr := range marked.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.Attributes().PutBool(attrLinked, false)
	}
	require.Zero(t, allocsOfLogs(t, createDefaultConfig().(*Config), marked))

	plain := manyLogs(0, n, false)
	copies := make([]plog.Logs, 0, 30)
	for range cap(copies) {
		c := plog.NewLogs()
		plain.CopyTo(c)
		copies = append(copies, c)
	}
	i := 0
	writing := testing.AllocsPerRun(20, func() {
		for _, lr := range copies[i].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.Attributes().PutBool(attrLinked, false)
			lr.Attributes().PutStr(attrMissReason, "no_id")
		}
		i++
	})
	require.Equal(t, writing, allocsOfLogs(t, createDefaultConfig().(*Config), plain))
}

// Spans that have no logs and no user pass at no cost once the store has grown.
func TestSpansWithoutLogsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	spans, _ := testLinkers(t, createDefaultConfig().(*Config))
	td := manySpans(0, 1000)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		_, err := spans.processTraces(t.Context(), td)
		require.NoError(t, err)
	}))
}

// Joining a log costs what writing its attributes costs, and the tables of a
// batch, never something for each log or span more.
func TestJoiningAllocatesForWhatItWritesAlone(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
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
			lr.Attributes().PutBool(attrLinked, true)
			lr.Attributes().PutStr(attrMethod, "span")
			lr.Attributes().PutStr(attrSpan, "GET /cart")
		}
		i++
	})
	i = 0
	joining := testing.AllocsPerRun(rounds, func() {
		_, err := logs.processLogs(t.Context(), joined[i])
		require.NoError(t, err)
		i++
	})
	last, ok := joined[rounds].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(n - 1).Attributes().Get(attrSpan)
	require.True(t, ok)
	require.Equal(t, "GET /cart", last.Str())
	t.Logf("%v allocations, of which writing takes %v", joining, writing)
	require.LessOrEqual(t, joining, writing+n/10)
}

// Ten times more data than fits: the store's memory stays within max_bytes and
// a fifth, and everything passes.
func TestUnderOverloadMemoryStaysBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector changes the heap")
	}
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
			stats := spans.join.store.Stats()
			t.Logf("sent %d MiB, live heap %d KiB of %d KiB, %d entries, %d evicted, %d refused",
				sent>>20, peak>>10, maxBytes>>10, stats.Entries, stats.EvictedCapacity, stats.DroppedNew)
			require.Positive(t, stats.EvictedCapacity+stats.DroppedNew, "the store was never full")
			require.LessOrEqual(t, float64(peak), 1.2*maxBytes)
			runtime.KeepAlive(logs)
		})
	}
}

func liveHeap() int64 {
	for range 3 { // shared strings go one collection after the last that holds them
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
				if v, ok := lr.Attributes().Get(attrSpan); !ok || v.Str() != "GET /cart" {
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
				lr.Attributes().PutBool(attrLinked, true)
				lr.Attributes().PutStr(attrMethod, "span")
				lr.Attributes().PutStr(attrSpan, "GET /cart")
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

// Of a busy span, 10 000 parcels wait; they leave because it comes, or because
// their time is up. The baseline is as many spans with one parcel each.
func BenchmarkTenThousandParcelsLeave(b *testing.B) {
	const n = 10_000
	for _, c := range []struct {
		name  string
		spans uint64
		leave func(*room)
	}{
		{"partner", 1, func(r *room) { r.arrived(store.Key{A: 1}) }},
		{"deadline", 1, func(r *room) { r.take() }},
		{"baseline=deadline_of_many_spans", n, func(r *room) { r.take() }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				var clock clock
				r := newRoom(time.Second, 1<<40, clock.now, nil, nil, nil)
				parcels := make([]*parcel, n)
				for i := range parcels {
					parcels[i] = &parcel{wants: []store.Key{{A: 1 + uint64(i)%c.spans}}}
				}
				r.insert(parcels)
				clock.advance(time.Second)
				b.StartTimer()
				c.leave(r)
				if r.waiting.Len() != 0 || len(r.byKey) != 0 {
					b.Fatal("some still wait")
				}
			}
		})
	}
}
