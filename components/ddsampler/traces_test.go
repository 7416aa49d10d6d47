package ddsampler

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func sum(t testing.TB, data metricdata.Aggregation) []metricdata.DataPoint[int64] {
	t.Helper()
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		return data.DataPoints
	case metricdata.Gauge[int64]:
		return data.DataPoints
	}
	t.Fatalf("no numbers in a %T", data)
	return nil
}

func traceID(low uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

// oneSpan is a batch of one span; priority nil is none.
func oneSpan(low uint64, priority any) ptrace.Traces {
	td := ptrace.NewTraces()
	addSpan(td, low, priority)
	return td
}

func addSpan(td ptrace.Traces, low uint64, priority any) ptrace.Span {
	if td.ResourceSpans().Len() == 0 {
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	}
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty()
	span.SetTraceID(traceID(low))
	if priority != nil {
		if err := span.Attributes().PutEmpty("_sampling_priority_v1").FromRaw(priority); err != nil {
			panic(err)
		}
	}
	return span
}

// Whatever a priority looks like, there is one verdict, and what is unreadable is no priority.
func TestPrioritiesOfStrangers(t *testing.T) {
	for _, c := range []struct {
		priority any
		keeps    bool
	}{
		{0, false}, {0.0, false}, {-1, false}, {"0", false}, {"-1.000000", false}, {-128, false},
		{1, true}, {2.0, true}, {"1.000000", true}, {127, true}, {nil, true},
		{math.NaN(), true}, {math.Inf(1), true}, {1e300, true}, {-1e300, true}, {0.5, true}, {"", true}, {"x", true}, {true, true}, {[]any{0}, true},
	} {
		out := newPipelines(t, createDefaultConfig().(*Config)).traces(t, oneSpan(7, c.priority))
		require.Equal(t, c.keeps, out.SpanCount() == 1, "%v", c.priority)
	}
}

func TestTheHighestPriorityOfABatchCounts(t *testing.T) {
	td := oneSpan(7, 0)
	addSpan(td, 8, 0)
	addSpan(td, 7, "2")
	addSpan(td, 7, -1)
	out := newPipelines(t, createDefaultConfig().(*Config)).traces(t, td)
	require.Equal(t, 3, out.SpanCount())
}

func TestAChangeOfMindIsObeyedFromThenOn(t *testing.T) {
	p := newPipelines(t, createDefaultConfig().(*Config))
	require.Zero(t, p.traces(t, oneSpan(7, 0)).SpanCount())
	require.Equal(t, 1, p.traces(t, oneSpan(7, 2)).SpanCount())
	require.Equal(t, 1, p.traces(t, oneSpan(7, 0)).SpanCount(), "what was kept stays kept")
	require.Equal(t, map[string]int64{"dropped": 1, "late_keep": 1, "kept": 1}, p.counted(t, "traces"))
}

func TestWhoHasNoOpinionFollowsADecisionThatIsRemembered(t *testing.T) {
	p := newPipelines(t, createDefaultConfig().(*Config))
	require.Zero(t, p.traces(t, oneSpan(7, 0)).SpanCount())
	require.Zero(t, p.traces(t, oneSpan(7, nil)).SpanCount())
	require.Equal(t, 1, p.traces(t, oneSpan(8, nil)).SpanCount())
	require.Equal(t, 1, p.traces(t, oneSpan(8, 0)).SpanCount())
}

func TestEverySpanIsCountedOnce(t *testing.T) {
	p := newPipelines(t, createDefaultConfig().(*Config))
	td := ptrace.NewTraces()
	for i := range uint64(100) {
		addSpan(td, i, int(i%3))
	}
	addSpan(td, 0, nil).Attributes().PutInt("_dd.span_sampling.mechanism", 8)
	addSpan(td, 1000, nil)
	out := p.traces(t, td)
	require.Equal(t, 66+2, out.SpanCount())
	require.Equal(t, map[string]int64{"kept": 67, "dropped": 34, "single_span": 1}, p.counted(t, "spans"))
	require.Equal(t, map[string]int64{"kept": 33, "dropped": 34, "undecided_kept": 34}, p.counted(t, "traces"))
	require.Equal(t, int64(101), sum(t, must(p.tel.GetMetric("otelcol_processor_dd_sampler_memory_size")).Data)[0].Value)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A batch dropped whole is acknowledged and does not reach the next component.
func TestADroppedBatchIsTaken(t *testing.T) {
	p := newPipelines(t, createDefaultConfig().(*Config))
	p.tracesIn(t, oneSpan(7, 0))
	require.Empty(t, p.tracesSink.AllTraces())
}

// The sending queue cuts batches anywhere; where every span says what its trace's chunks say, the pieces get the verdicts of the whole.
func TestAnyCutOfABatchGivesTheSameSpans(t *testing.T) {
	cfg := load(t, `undecided_rate: 0.5`)
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		whole := ptrace.NewTraces()
		for i := range 40 {
			low := uint64(r.IntN(8))
			span := addSpan(whole, low, []any{0, 1, 2, nil}[low%4])
			span.SetName(fmt.Sprint(i))
			if low == 1 {
				span.Attributes().PutStr("_dd.p.dm", "-0")
			}
			if low > 5 {
				span.Attributes().PutStr("_dd.p.ksr", "0.5")
			}
		}
		pieces := map[string]string{}
		for from := 0; from < 40; {
			to := min(40, from+1+r.IntN(10))
			piece := ptrace.NewTraces()
			whole.CopyTo(piece)
			i := -1
			piece.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool { i++; return i < from || i >= to })
			collect(pieces, newPipelines(t, cfg).traces(t, piece))
			from = to
		}
		want := map[string]string{}
		collect(want, newPipelines(t, cfg).traces(t, whole))
		require.Equal(t, want, pieces, "seed %d", seed)
	}
}

func collect(into map[string]string, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				into[span.Name()] = span.TraceState().AsRaw()
			}
		}
	}
}

// A tenth of the traces stays at rate 0.1, and the sum of 1/probability is their number.
func TestTheRateIsTheShareThatStays(t *testing.T) {
	p := newPipelines(t, load(t, `undecided_rate: 0.1`))
	r := rand.New(rand.NewPCG(5, 5))
	td := ptrace.NewTraces()
	for range 20_000 {
		addSpan(td, r.Uint64(), nil)
	}
	out := p.traces(t, td)
	require.InDelta(t, 2000, out.SpanCount(), 200)
	for _, span := range out.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		require.Contains(t, span.TraceState().AsRaw(), "ot=th:e6666666666668;rv:")
		v, _ := span.Attributes().Get("_sample_rate")
		require.InDelta(t, 0.1, v.Double(), 1e-12)
	}
}
