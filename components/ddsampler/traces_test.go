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

// decisions are what the spans of a trace say, as the datadog receiver writes it: most on the first, the rest only what decides.
var decisions = []struct {
	name        string
	first, rest map[string]any
}{
	{"dropped by a rate", map[string]any{"_sampling_priority_v1": 0.0, "_dd.p.dm": "-3", "_dd.p.ksr": "0.1"}, map[string]any{"_sampling_priority_v1": 0.0, "_dd.p.dm": "-3"}},
	{"kept by a rate", map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.dm": "-3", "_dd.p.ksr": "0.1"}, map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.ksr": "0.1"}},
	{"kept by the user", map[string]any{"_sampling_priority_v1": 2.0, "_dd.p.dm": "-4", "_dd.p.ksr": "0.1"}, map[string]any{"_sampling_priority_v1": 2.0, "_dd.p.dm": "-4"}},
	{"kept by an agent's rate", map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.dm": "-1"}, map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.dm": "-1"}},
	{"by default", map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.dm": "-0"}, map[string]any{"_sampling_priority_v1": 1.0, "_dd.p.dm": "-0"}},
	{"nobody decided", nil, nil},
	{"its SDK sampled", map[string]any{}, map[string]any{}},
	{"behind a Datadog service", map[string]any{}, map[string]any{}},
}

// The sending queue cuts batches anywhere, and what it cut comes in any order: the pieces get the verdicts of the whole, in whichever of two
// gateways they arrive.
func TestAnyCutOfABatchGivesTheSameSpans(t *testing.T) {
	t.Parallel()
	for _, rate := range []string{"0", "0.1", "0.5"} {
		cfg := load(t, "undecided_rate: "+rate)
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 1))
			whole := randomBatch(r)
			want := map[string]string{}
			collect(want, newPipelines(t, cfg).traces(t, copyOf(whole)))
			n := whole.SpanCount()
			got := map[string]string{}
			gateways := []*pipelines{newPipelines(t, cfg), newPipelines(t, cfg)}
			var cuts [][2]int
			for from := 0; from < n; {
				to := min(n, from+1+r.IntN(10))
				cuts = append(cuts, [2]int{from, to})
				from = to
			}
			r.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
			for _, cut := range cuts {
				piece, i := copyOf(whole), -1
				for _, rs := range piece.ResourceSpans().All() {
					rs.ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool { i++; return i < cut[0] || i >= cut[1] })
				}
				collect(got, gateways[r.IntN(2)].traces(t, piece))
			}
			require.Equal(t, want, got, "rate %s, seed %d", rate, seed)
		}
	}
}

// randomBatch is of eight traces over two resources.
func randomBatch(r *rand.Rand) ptrace.Traces {
	td := ptrace.NewTraces()
	for range 2 {
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	}
	lows := make([]uint64, 8)
	seen := map[int]bool{}
	for i := range lows {
		lows[i] = r.Uint64()
	}
	for i := range 40 {
		trace := r.IntN(len(lows))
		d := decisions[trace%len(decisions)]
		span := td.ResourceSpans().At(r.IntN(2)).ScopeSpans().At(0).Spans().AppendEmpty()
		span.SetName(fmt.Sprint(i))
		span.SetTraceID(traceID(lows[trace]))
		says := d.rest
		if !seen[trace] {
			says = d.first
		}
		seen[trace] = true
		if err := span.Attributes().FromRaw(says); err != nil {
			panic(err)
		}
		switch d.name {
		case "its SDK sampled":
			span.TraceState().FromRaw("ot=th:8;rv:ffffffffffffff")
		case "behind a Datadog service":
			span.TraceState().FromRaw("dd=s:1;t.dm:-3;t.ksr:0.1")
		}
	}
	return td
}

func copyOf(td ptrace.Traces) ptrace.Traces {
	other := ptrace.NewTraces()
	td.CopyTo(other)
	return other
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
