package rumlinkprocessor

import (
	"context"
	"testing"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
)

// Every log is counted once as a look-up, whether it passed, waited or found
// no space; and what began to wait has been released, dropped, or is there.
func TestTheNumbersAddUp(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	cfg := waitConfig(time.Minute)
	cfg.Logs.MaxWaitBytes = 3000
	l := newLinkerWith(t, cfg, set, componenttest.NewNopHost())
	const name = "otelcol_processor_rum_link_"

	sent := 0
	for i := range byte(20) {
		l.putLogs(someLogs(traceID(i), spanID(1), "a", "b", "c"))
		sent += 3
		if i%3 == 0 {
			l.putTraces(someSpan(traceID(i), spanID(1), "span"))
		}
	}
	// What is between the queue and the sink is in neither: look until the queue
	// is the same before and after.
	var held int64
	require.Eventually(t, func() bool {
		held, _ = l.queues[0].Held()
		out, released, parked := int64(len(l.bodies())), sumOf(t, tel, name+"released"), sumOf(t, tel, name+"parked")
		records, lookups := sumOf(t, tel, name+"parked_records"), sumOf(t, tel, name+"lookups")
		after, _ := l.queues[0].Held()
		return held == after && out+held == int64(sent) && released+held == parked && records == held && lookups == int64(sent)-held
	}, soon, time.Millisecond)
	require.Positive(t, sumOf(t, tel, name+"unparked"), "the queue was never full")

	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return len(l.bodies()) == sent }, soon, time.Millisecond)
	require.Eventually(t, func() bool { return sumOf(t, tel, name+"lookups") == int64(sent) }, soon, time.Millisecond)
	require.Eventually(t, func() bool { return sumOf(t, tel, name+"released") == sumOf(t, tel, name+"parked") }, soon, time.Millisecond)
	require.Equal(t, int64(sent), sumOf(t, tel, name+"parked")+sumOf(t, tel, name+"unparked"), "all of them missed at first")
	require.Zero(t, sumOf(t, tel, name+"wait_dropped"))
	require.Positive(t, sumOf(t, tel, name+"store_entries"))
	require.Positive(t, sumOf(t, tel, name+"store_bytes"))
}

// A retry is no second log; the same line said twice is.
func TestALogSentAgainCountsOnceAndALineSaidTwiceCountsTwice(t *testing.T) {
	for _, c := range []struct {
		batches [][]string
		want    int64
	}{
		{[][]string{{"retrying", "retrying"}}, 2},
		{[][]string{{"retrying", "retrying"}, {"retrying", "retrying"}}, 2},
		{[][]string{{"one", "two"}, {"one", "two"}, {"three"}}, 3},
	} {
		l := newLinker(t, createDefaultConfig().(*Config))
		for _, bodies := range c.batches {
			l.putLogs(someLogs(traceID(1), spanID(1), bodies...))
		}
		span := l.putTraces(someSpan(traceID(1), spanID(1), "span")).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		v, _ := span.Attributes().Get(enrich.AttrCount)
		require.Equal(t, c.want, v.Int(), "%v", c.batches)
	}
}

// A log that an application sends again, once before its span and once after it,
// leaves the first hop with other attributes each time. The second hop once took
// it for two.
func TestTheSecondHopKnowsALogAgainThatTheFirstHasEnriched(t *testing.T) {
	first, second := newLinker(t, createDefaultConfig().(*Config)), newLinker(t, createDefaultConfig().(*Config))
	log := func() plog.Logs {
		half := traceID(1)
		clear(half[:8])
		return someLogs(half, spanID(1), "order stored")
	}
	span := someSpan(traceID(1), spanID(1), "POST /orders")
	attrs := span.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
	attrs.PutStr("session.id", "s-1")
	attrs.PutStr("user.id", "u-1")
	attrs.PutStr("rum.view.id", "v-1")
	span.ResourceSpans().At(0).Resource().Attributes().PutStr(enrich.AttrService, "shop")

	unlinked, passed, linked := first.putLogs(log()), first.putTraces(span), first.putLogs(log())
	second.putLogs(unlinked)
	second.putLogs(linked)
	out := second.putTraces(passed).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	v, _ := out.Attributes().Get(enrich.AttrCount)
	require.EqualValues(t, 1, v.Int())
}

// Lines without a time of their own differ by when they were read.
func TestLinesWithoutATimeAreToldApartByWhenTheyWereSeen(t *testing.T) {
	l := newLinker(t, createDefaultConfig().(*Config))
	for seen := range 3 {
		ld := someLogs(traceID(1), spanID(1), "retrying")
		lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		lr.SetTimestamp(0)
		lr.SetObservedTimestamp(pcommon.Timestamp(1000 + seen))
		l.putLogs(ld)
	}
	span := l.putTraces(someSpan(traceID(1), spanID(1), "span")).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	v, _ := span.Attributes().Get(enrich.AttrCount)
	require.EqualValues(t, 3, v.Int())
}
