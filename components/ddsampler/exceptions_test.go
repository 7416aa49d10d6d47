package ddsampler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// failed is a batch of one span with an error; each kind has a signature of its own.
func failed(low uint64, priority any, kind string) ptrace.Traces {
	td := oneSpan(low, priority)
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	span.SetName(kind)
	span.SetParentSpanID(pcommon.SpanID{9})
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Attributes().PutStr("error.type", kind)
	return td
}

func spansOf(td ptrace.Traces) (spans []ptrace.Span) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				spans = append(spans, span)
			}
		}
	}
	return spans
}

func TestATraceWithAnErrorStaysAndSoDoesWhatComesOfItLater(t *testing.T) {
	p := newPipelines(t, load(t, `keep_errors_per_second: 10`))
	td := failed(7, 0, "timeout")
	addSpan(td, 7, 0).TraceState().FromRaw("ot=th:8;rv:ffffffffffffff")
	addSpan(td, 8, 0)
	out := spansOf(p.traces(t, td))
	require.Len(t, out, 2, "the whole trace, and no other")
	for _, span := range out {
		rate, _ := span.Attributes().Get("_dd.errors_sr")
		require.Equal(t, 1.0, rate.Double(), "every span says it")
		require.NotContains(t, span.TraceState().AsRaw(), "th:", "it does not stand for others")
	}
	later := p.traces(t, oneSpan(7, 0))
	require.Len(t, spansOf(later), 1, "a later chunk")
	require.Len(t, spansOf(p.traces(t, oneSpan(7, 0))), 1, "and one more")
	require.Len(t, spansOf(newPipelines(t, load(t, `{}`)).traces(t, later)), 1, "the next sampler keeps it too")
	require.Len(t, spansOf(p.traces(t, oneSpan(7, 2))), 1, "a chunk its tracer kept")
	later = p.traces(t, oneSpan(7, 0))
	require.Len(t, spansOf(newPipelines(t, load(t, `{}`)).traces(t, later)), 1, "an exception is not forgotten")
	require.Empty(t, spansOf(p.traces(t, oneSpan(8, 0))))
	require.Equal(t, map[string]int64{"error_kept": 1, "dropped": 2, "kept": 4}, p.counted(t, "traces"))
	require.Equal(t, map[string]int64{"kept": 6, "dropped": 2}, p.counted(t, "spans"))
}

func TestWithoutTheKeysErrorsAreDroppedAsOthers(t *testing.T) {
	p := newPipelines(t, load(t, `{}`))
	require.Empty(t, spansOf(p.traces(t, failed(7, 0, "timeout"))))
}

func TestWhatAUserDroppedStaysDropped(t *testing.T) {
	p := newPipelines(t, load(t, `{keep_errors_per_second: 10, keep_rare_per_second: 5}`))
	td := failed(7, -1, "timeout")
	spansOf(td)[0].SetParentSpanID(pcommon.SpanID{})
	require.Empty(t, spansOf(p.traces(t, td)))
}

func TestAnUndecidedTraceWithAnErrorStays(t *testing.T) {
	for _, mode := range []string{"obey", "probabilistic"} {
		p := newPipelines(t, load(t, `{keep_errors_per_second: 10, undecided_rate: 0, mode: `+mode+`}`))
		require.Len(t, spansOf(p.traces(t, failed(7, nil, "timeout"))), 1)
		require.Equal(t, map[string]int64{"error_kept": 1}, p.counted(t, "traces"))
	}
}

// What one sampler kept, the next one keeps, whatever a queue between them cut.
func TestTheNextSamplerKeepsItToo(t *testing.T) {
	td := failed(7, 0, "timeout")
	addSpan(td, 7, 0)
	out := newPipelines(t, load(t, `keep_errors_per_second: 10`)).traces(t, td)
	for cut := range 2 {
		piece, i := copyOf(out), -1
		piece.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool { i++; return i == cut })
		require.Len(t, spansOf(newPipelines(t, load(t, `{}`)).traces(t, piece)), 1, "cut %d", cut)
	}
}

func TestARareShapeStaysOnce(t *testing.T) {
	p := newPipelines(t, load(t, `keep_rare_per_second: 5`))
	send := func(low uint64, priority any, name string) int {
		td := oneSpan(low, priority)
		spansOf(td)[0].SetName(name)
		out := spansOf(p.traces(t, td))
		for _, span := range out {
			_, marked := span.Attributes().Get("_dd.rare")
			require.Equal(t, priority == 0, marked, name)
		}
		return len(out)
	}
	require.Equal(t, 1, send(1, 0, "GET /seldom"))
	require.Equal(t, 0, send(2, 0, "GET /seldom"))
	require.Equal(t, 1, send(3, 2, "GET /often"), "kept anyway")
	require.Equal(t, 0, send(4, 0, "GET /often"), "what is kept anyway is not rare")
	require.Equal(t, map[string]int64{"rare_kept": 1, "kept": 1, "dropped": 2}, p.counted(t, "traces"))
	require.Equal(t, int64(1), sum(t, must(p.tel.GetMetric("otelcol_processor_dd_sampler_rare_services")).Data)[0].Value)
}

// Of one kind of error in any number, about so many a second stay; the verdict is by trace id. Time is given, so nothing waits.
func TestErrorsAreKeptAtTheirRate(t *testing.T) {
	cfg := load(t, `keep_errors_per_second: 5`)
	p := newSampler(t, cfg)
	now := time.Unix(1_800_000_000, 0)
	stayed := 0
	for second := range 40 {
		for i := range 200 {
			td := failed(uint64(second*200+i+1)*0x9e3779b97f4a7c15, 0, "timeout")
			var counts [outcomeCount]int64
			b := &scratch{}
			b.Add(spansOf(td)[0], 1)
			p.decide(b, &counts)
			p.except(b, td, now.Add(time.Duration(second)*time.Second), &counts)
			if second >= 20 {
				stayed += int(counts[errorKept])
			}
		}
	}
	require.InDelta(t, 5*20, stayed, 40)
}

// A stranger can invent kinds of errors and services without end.
func TestAnyNumberOfKindsIsBounded(t *testing.T) {
	p := newPipelines(t, load(t, `{keep_errors_per_second: 1, keep_rare_per_second: 1}`))
	for i := range 3000 {
		td := failed(uint64(i+1)*0x9e3779b97f4a7c15, 0, fmt.Sprint("kind ", i))
		spansOf(td)[0].SetParentSpanID(pcommon.SpanID{})
		td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", fmt.Sprint("service ", i))
		p.tracesIn(t, td)
	}
	require.Equal(t, int64(2000), sum(t, must(p.tel.GetMetric("otelcol_processor_dd_sampler_rare_services")).Data)[0].Value)
	counted := p.counted(t, "traces")
	require.Equal(t, int64(3000), counted["dropped"]+counted["error_kept"]+counted["rare_kept"])
	require.Less(t, counted["rare_kept"], int64(200), "50 at once, and one a second")
}
