package rumlinkprocessor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const soon = 10 * time.Second // bound of a wait for something that happens at once

func traceID(n byte) pcommon.TraceID { return pcommon.TraceID{0: 0x67, 15: n} }
func spanID(n byte) pcommon.SpanID   { return pcommon.SpanID{7: n} }

// aLog is a resource with one log for each body, all of one span.
func addLogs(ld plog.Logs, trace pcommon.TraceID, span pcommon.SpanID, bodies ...string) {
	rl := ld.ResourceLogs().AppendEmpty()
	sl := rl.ScopeLogs().AppendEmpty()
	for _, body := range bodies {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(1)
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		lr.Body().SetStr(body)
		lr.SetTraceID(trace)
		lr.SetSpanID(span)
	}
}

func someLogs(trace pcommon.TraceID, span pcommon.SpanID, bodies ...string) plog.Logs {
	ld := plog.NewLogs()
	addLogs(ld, trace, span, bodies...)
	return ld
}

func someSpan(trace pcommon.TraceID, span pcommon.SpanID, name string) ptrace.Traces {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(trace)
	s.SetSpanID(span)
	s.SetName(name)
	return td
}

// bodies lists what has come out, with how each log was linked.
func (l *linker) bodies() (all []string) {
	for _, ld := range l.logs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					how := enrich.AttrMissReason
					if v, ok := lr.Attributes().Get(enrich.AttrLinked); ok && v.Bool() {
						how = enrich.AttrMethod
					}
					v, _ := lr.Attributes().Get(how)
					all = append(all, lr.Body().Str()+" "+v.Str())
				}
			}
		}
	}
	return all
}

func (l *linker) eventually(want ...string) {
	l.t.Helper()
	require.Eventually(l.t, func() bool { return len(l.bodies()) >= len(want) }, soon, time.Millisecond)
	require.Equal(l.t, want, l.bodies())
}

func waitConfig(wait time.Duration) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Logs.Wait, cfg.Logs.WaitFor = wait, waitUnknownSpan
	return cfg
}

func TestALogLeavesWhenItsSpanComes(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	l.putTraces(someSpan(traceID(2), spanID(2), "known"))
	ld := someLogs(traceID(1), spanID(1), "waits")
	addLogs(ld, traceID(2), spanID(2), "does not wait")
	addLogs(ld, pcommon.TraceID{}, pcommon.SpanID{}, "has no id")
	l.putLogs(ld)
	require.Equal(t, []string{"does not wait span", "has no id no_id"}, l.bodies())
	l.putTraces(someSpan(traceID(1), spanID(1), "late"))
	l.eventually("does not wait span", "has no id no_id", "waits span")
}

func TestALogLeavesUnlinkedAtItsDeadline(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	l.putLogs(someLogs(traceID(1), spanID(1), "waits"))
	l.advance(59 * time.Second)
	require.Empty(t, l.bodies())
	l.advance(2 * time.Second)
	l.eventually("waits id")
}

func TestALogOfAKnownTraceStillWaitsForItsOwnSpan(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	l.putTraces(someSpan(traceID(1), spanID(9), "sibling"))
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	require.Empty(t, l.bodies())
	l.advance(2 * time.Minute)
	l.eventually("one trace")
}

// The default waits only where waiting helps: for half an id, a business key, the
// name of a service, a span id. What is complete passes at once.
func TestOnlyIncompleteLogsWait(t *testing.T) {
	cfg := waitConfig(time.Minute)
	cfg.Logs.WaitFor = waitIncomplete
	cfg.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}, Log: []string{"job"}}}
	l := newLinker(t, cfg)
	half := traceID(1)
	clear(half[:8])
	log := func(service bool, trace pcommon.TraceID, span pcommon.SpanID, body string, attrs ...string) {
		ld := someLogs(trace, span, body)
		if service {
			ld.ResourceLogs().At(0).Resource().Attributes().PutStr("service.name", "shop")
		}
		for i := 0; i < len(attrs); i += 2 {
			ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr(attrs[i], attrs[i+1])
		}
		l.putLogs(ld)
	}
	log(true, traceID(1), spanID(1), "complete")
	log(true, traceID(1), pcommon.SpanID{}, "of a trace")
	log(false, traceID(1), spanID(1), "has its service", "service.name", "shop")
	log(true, pcommon.TraceID{}, pcommon.SpanID{}, "nothing helps it")
	passed := []string{"complete id", "of a trace id", "has its service id", "nothing helps it no_id"}
	require.Equal(t, passed, l.bodies())

	log(true, half, spanID(1), "half an id")
	log(false, traceID(1), spanID(1), "no service")
	log(true, pcommon.TraceID{}, pcommon.SpanID{}, "a key", "job", "7")
	log(true, traceID(1), pcommon.SpanID{}, "no span id", "job", "7")
	require.Equal(t, passed, l.bodies(), "these wait")

	l.putTraces(someSpan(traceID(1), spanID(2), "another span of the trace completes an id"))
	l.eventually(append(passed, "half an id id64")...)
	td := someSpan(traceID(1), spanID(1), "their span")
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", "shop")
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("job", "7")
	l.putTraces(td)
	require.Eventually(t, func() bool { return len(l.bodies()) == 8 }, soon, time.Millisecond)
	require.ElementsMatch(t, []string{"no service span", "a key key", "no span id key"}, l.bodies()[5:])
	require.Zero(t, sumHeld(l))

	l.putTraces(someSpan(traceID(2), spanID(3), "known"))
	log(false, traceID(2), spanID(3), "no service, but nothing more will come")
	require.Len(t, l.bodies(), 9)
	log(true, half, spanID(9), "half an id that is known already")
	require.Len(t, l.bodies(), 10)
	other := traceID(1)
	other[0]++
	l.putTraces(someSpan(other, spanID(8), "another trace with the same half"))
	log(true, half, spanID(9), "half an id of two traces")
	require.Equal(t, "half an id of two traces ambiguous", l.bodies()[10])
}

func sumHeld(l *linker) (records int64) {
	for _, q := range l.queues {
		n, _ := q.Held()
		records += n
	}
	return records
}

func TestAKeyIsWaitedForToo(t *testing.T) {
	cfg := waitConfig(time.Minute)
	cfg.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}, Log: []string{"job"}}}
	l := newLinker(t, cfg)
	ld := someLogs(pcommon.TraceID{}, pcommon.SpanID{}, "by key")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutInt("job", 7)
	l.putLogs(ld)
	require.Empty(t, l.bodies())
	td := someSpan(traceID(1), spanID(1), "worker")
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("job", "7")
	l.putTraces(td)
	l.eventually("by key key")
	require.Equal(t, traceID(1), l.logs.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).TraceID())
}

// Logs of two spans take turns within one resource and two scopes: what leaves
// together leaves in the order in which it was sent.
func TestTheOrderWithinAResourceIsKept(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	var want []string
	for s := range 2 {
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(fmt.Sprint("scope ", s))
		for i := range 10 {
			lr := sl.LogRecords().AppendEmpty()
			lr.SetTraceID(traceID(1))
			lr.SetSpanID(spanID(byte(1 + i%3)))
			lr.Body().SetStr(fmt.Sprint(s, " ", i))
			want = append(want, fmt.Sprint(s, " ", i, " id"))
		}
	}
	l.putLogs(ld)
	l.advance(2 * time.Minute)
	l.eventually(want...)
	out := l.logs.AllLogs()[0].ResourceLogs()
	require.Equal(t, 1, out.Len())
	require.Equal(t, 2, out.At(0).ScopeLogs().Len())
	require.Equal(t, "scope 1", out.At(0).ScopeLogs().At(1).Scope().Name())
}

func TestWhenTheQueueIsFullTheOldestLeaveAndNewOnesPass(t *testing.T) {
	cfg := waitConfig(time.Minute)
	cfg.Logs.MaxWaitBytes = 1200
	l := newLinker(t, cfg)
	l.putLogs(someLogs(traceID(1), spanID(1), "first"))
	l.putLogs(someLogs(traceID(1), spanID(2), "second"))
	require.Empty(t, l.bodies())
	l.putLogs(someLogs(traceID(1), spanID(3), "third"))
	require.Eventually(t, func() bool { return len(l.bodies()) == 2 }, soon, time.Millisecond)
	require.ElementsMatch(t, []string{"first id", "third id"}, l.bodies())
	records, bytes := l.queues[0].Held()
	require.EqualValues(t, 1, records)
	require.LessOrEqual(t, bytes, int64(1200))
}

func TestABatchThatCouldNeverFitDrivesNobodyOut(t *testing.T) {
	cfg := waitConfig(time.Minute)
	cfg.Logs.MaxWaitBytes = 1200
	l := newLinker(t, cfg)
	l.putLogs(someLogs(traceID(1), spanID(1), "first"))
	l.putLogs(someLogs(traceID(1), spanID(2), strings.Repeat("x", 2000)))
	require.Len(t, l.bodies(), 1)
	l.putTraces(someSpan(traceID(1), spanID(1), "late"))
	require.Eventually(t, func() bool { return len(l.bodies()) == 2 }, soon, time.Millisecond)
	require.Equal(t, "first span", l.bodies()[1])
}

func TestShutdownHandsOnEverythingOnce(t *testing.T) {
	cfg := waitConfig(time.Minute)
	cfg.Spans.Wait = time.Minute
	l := newLinker(t, cfg)
	want := map[string]int{}
	for i := range 5000 {
		body := fmt.Sprint(i)
		l.putLogs(someLogs(traceID(byte(i)), spanID(byte(1+i%250)), body))
		want[body]++
	}
	l.putTraces(someSpan(traceID(1), spanID(1), "held"))
	l.stop()
	got := map[string]int{}
	for _, ld := range l.logs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			got[rl.ScopeLogs().At(0).LogRecords().At(0).Body().Str()]++
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, 1, l.spans.SpanCount())
}

// What the next consumer refuses stays with the sender as a whole: nothing of
// it is parked, and sent again it comes out once.
func TestARefusedBatchIsNotParked(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	batch := func() plog.Logs {
		ld := someLogs(traceID(1), spanID(1), "waits")
		addLogs(ld, pcommon.TraceID{}, pcommon.SpanID{}, "passes")
		return ld
	}
	l.next.refuse(errors.New("busy"))
	require.Error(t, l.log.ConsumeLogs(t.Context(), batch()))
	records, bytes := l.queues[0].Held()
	require.Zero(t, records)
	require.Zero(t, bytes)
	l.next.refuse(nil)
	require.NoError(t, l.log.ConsumeLogs(t.Context(), batch()))
	l.advance(2 * time.Minute)
	l.eventually("passes no_id", "waits id")
}

func TestParkedDataIsTriedAgainUntilItIsTaken(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.next.refuse(errors.New("busy"))
	l.advance(2 * time.Minute)
	require.Never(t, func() bool { r, _ := l.queues[0].Held(); return r == 0 }, 3*50*time.Millisecond, 50*time.Millisecond)
	l.next.refuse(nil)
	l.eventually("one id")
}

// One item that the next consumer never takes keeps nothing else back.
func TestAnItemThatNobodyTakesDoesNotKeepTheRest(t *testing.T) {
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	l.next.never = "poison"
	for i := range 20 {
		body := fmt.Sprint(i)
		if i == 3 {
			body = "poison"
		}
		l.putLogs(someLogs(traceID(byte(i)), spanID(1), body))
	}
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return len(l.bodies()) == 19 }, 3*soon, time.Millisecond)
	records, _ := l.queues[1].Held()
	require.EqualValues(t, 1, records)
	require.Eventually(t, func() bool { return d.Items() == 1 }, soon, time.Millisecond, "it is kept")
	l.stopWithin(3 * 50 * time.Millisecond)
	require.Equal(t, 1, d.Items(), "it is kept for the next start")
}

func TestParkedDataThatIsRefusedForGoodIsCountedAndGivesItsSpaceBack(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	l := newLinkerWith(t, waitConfig(time.Minute), set, componenttest.NewNopHost())
	l.putLogs(someLogs(traceID(1), spanID(1), "one", "two"))
	l.next.refuse(consumererror.NewPermanent(errors.New("never")))
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { r, b := l.queues[0].Held(); return r == 0 && b == 0 }, soon, time.Millisecond)
	require.EqualValues(t, 2, sumOf(t, tel, "otelcol_processor_rum_link_wait_dropped"))
}

// Those who route by client metadata see it on data that has waited.
func TestClientMetadataIsKept(t *testing.T) {
	l := newLinker(t, waitConfig(time.Minute))
	for _, tenant := range []string{"a", "b"} {
		ctx := client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"tenant": {tenant}})})
		require.NoError(t, l.log.ConsumeLogs(ctx, someLogs(traceID(1), spanID(1), tenant)))
	}
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return len(l.logs.Contexts()) == 2 }, soon, time.Millisecond)
	for i, tenant := range []string{"a", "b"} {
		require.Equal(t, []string{tenant}, client.FromContext(l.logs.Contexts()[i]).Metadata.Get("tenant"))
	}
}

func TestSpansWaitForTheirLogs(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Spans.Wait = time.Second
	l := newLinker(t, cfg)
	l.putTraces(someSpan(traceID(1), spanID(1), "held"))
	l.putLogs(someLogs(traceID(1), spanID(1), "late"))
	require.Equal(t, []string{"late span"}, l.bodies())
	require.Zero(t, l.spans.SpanCount())
	l.advance(2 * time.Second)
	require.Eventually(t, func() bool { return l.spans.SpanCount() == 1 }, soon, time.Millisecond)
	v, ok := l.spans.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(enrich.AttrCount)
	require.True(t, ok)
	require.EqualValues(t, 1, v.Int())
}

func TestWaitingWithoutStorageWarns(t *testing.T) {
	core, seen := observer.New(zap.WarnLevel)
	set := processortest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	newLinkerWith(t, waitConfig(time.Minute), set, componenttest.NewNopHost())
	require.Len(t, seen.FilterMessageSnippet("dies with the process").All(), 1)

	newLinkerWith(t, createDefaultConfig().(*Config), set, componenttest.NewNopHost())
	require.Equal(t, 1, seen.Len())
}

// Two processors of this type may stand in one pipeline. The second runs inside
// the call of the first, and once took what the first had put off.
func TestTwoLinkersInOnePipelineKeepApartWhatTheyPutOff(t *testing.T) {
	consuming := createDefaultConfig().(*Config)
	consuming.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}, Log: []string{"job"}, Consume: true}}
	consuming.Spans.LinkOrphansBy = []string{"job"}
	outer := makeLinker(t, consuming, processortest.NewNopSettings(metadata.Type))
	inner := newLinker(t, createDefaultConfig().(*Config))
	set := processortest.NewNopSettings(metadata.Type)
	spans, err := newSpanProcessor(set, consuming, inner.traces)
	require.NoError(t, err)
	outer.traces, err = spans.processor(t.Context())
	require.NoError(t, err)
	require.NoError(t, outer.traces.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, outer.log.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(outer.stop)

	for n := byte(1); n <= 3; n++ {
		td := someSpan(traceID(n), spanID(n), "work")
		span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		span.SetStartTimestamp(pcommon.Timestamp(n))
		span.Attributes().PutInt("job", 7)
		require.NoError(t, outer.traces.ConsumeTraces(t.Context(), td))
	}
	var linked []string
	for _, td := range inner.spans.AllTraces() {
		v, _ := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(enrich.AttrLinked)
		linked = append(linked, v.AsString())
	}
	require.Equal(t, []string{"false", "true", "false"}, linked, "the second has used the key up, so the third finds none")
}

func TestShutdownWithoutStartIsHarmless(t *testing.T) {
	l := makeLinker(t, waitConfig(time.Minute), processortest.NewNopSettings(metadata.Type))
	l.stop()
}

// Senders, spans and a shutdown at the same time: every log comes out once.
func TestUnderLoadNothingIsLostAndNothingComesTwice(t *testing.T) {
	cfg := waitConfig(5 * time.Millisecond)
	cfg.Spans.Wait = 5 * time.Millisecond
	cfg.Logs.MaxWaitBytes = 200_000
	start := time.Now()
	l := newLinker(t, cfg)
	stop := make(chan struct{})
	ticking := make(chan struct{})
	go func() { // the clock of the test runs with the real one
		defer close(ticking)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				l.clock.ns.Store(int64(time.Since(start)))
			}
		}
	}()
	const senders, each = 8, 300
	var wg sync.WaitGroup
	for s := range senders {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for i := range each {
				ld := someLogs(traceID(byte(i)), spanID(byte(1+s)), fmt.Sprint(s, " ", i, " a"), fmt.Sprint(s, " ", i, " b"))
				if err := l.log.ConsumeLogs(t.Context(), ld); err != nil {
					t.Error(err)
				}
			}
		}()
		go func() {
			defer wg.Done()
			for i := range each {
				if err := l.traces.ConsumeTraces(t.Context(), someSpan(traceID(byte(i)), spanID(byte(1+s)), "span")); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	l.stop()
	close(stop)
	<-ticking
	seen := map[string]int{}
	for _, body := range l.bodies() {
		text, _, _ := strings.Cut(body, " s")
		text, _, _ = strings.Cut(text, " n")
		text, _, _ = strings.Cut(text, " t")
		seen[text]++
	}
	require.Len(t, seen, senders*each*2)
	for text, n := range seen {
		require.Equal(t, 1, n, text)
	}
	require.Equal(t, senders*each, l.spans.SpanCount())
}
