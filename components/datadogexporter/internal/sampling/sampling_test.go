package sampling

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

var now = time.Unix(1_800_000_000, 0)

// span describes one span of a tracer.
type span struct {
	trace    byte
	priority any
	failed   bool
	single   bool
	marked   bool
}

func batch(t testing.TB, spans ...span) (ptrace.Traces, ddspan.Batch) {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("telemetry.sdk.name", "datadog")
	rs.Resource().Attributes().PutStr("service.name", "shop")
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for i, s := range spans {
		out := list.AppendEmpty()
		out.SetTraceID(pcommon.TraceID{15: s.trace})
		out.SetSpanID(pcommon.SpanID{7: byte(i + 1)})
		out.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
		out.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		out.Attributes().PutStr("operation.name", "web.request")
		if p, ok := s.priority.(int); ok {
			out.Attributes().PutDouble("_sampling_priority_v1", float64(p))
		}
		if s.failed {
			out.Status().SetCode(ptrace.StatusCodeError)
		}
		if s.single {
			out.Attributes().PutDouble("_dd.span_sampling.mechanism", 8)
		}
		if s.marked {
			out.Attributes().PutDouble("_dd.errors_sr", 1)
		}
	}
	m, err := ddspan.NewMapper(ddspan.Options{})
	require.NoError(t, err)
	return td, m.Group(td, "h", func() time.Time { return now })
}

func ids(td ptrace.Traces) (list []byte) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				list = append(list, s.SpanID()[7])
			}
		}
	}
	return list
}

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spans []span
		kept  []byte
	}{
		"kept by its tracer":                           {[]span{{trace: 1, priority: 1}}, []byte{1}},
		"kept by a user":                               {[]span{{trace: 1, priority: 2}}, []byte{1}},
		"not kept":                                     {[]span{{trace: 1, priority: 0}}, nil},
		"left out by a user, error or not":             {[]span{{trace: 1, priority: -1, failed: true}}, nil},
		"nobody decided":                               {[]span{{trace: 1}}, []byte{1}},
		"not kept, with an error":                      {[]span{{trace: 1, priority: 0, failed: true}}, []byte{1}},
		"a priority above 0 anywhere keeps the trace":  {[]span{{trace: 1, priority: 0}, {trace: 1, priority: 1}}, []byte{1, 2}},
		"a span that was sampled alone":                {[]span{{trace: 1, priority: 0}, {trace: 1, priority: 0, single: true}}, []byte{2}},
		"only the traces that are not kept are gone":   {[]span{{trace: 1, priority: 0}, {trace: 2, priority: 1}, {trace: 3}}, []byte{2, 3}},
		"an Agent kept it because of its error before": {[]span{{trace: 1, priority: 0, marked: true}}, []byte{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			td, b := batch(t, c.spans...)
			New(Rates{ErrorTPS: 10}).Sample(b, td, now)
			require.Equal(t, c.kept, ids(td))
		})
	}
}

func TestALaterPartWithoutAPriorityFollowsTheDecision(t *testing.T) {
	t.Parallel()
	s := New(Rates{})
	td, b := batch(t, span{trace: 1, priority: 0})
	require.Equal(t, map[string]int{"unsampled": 1}, s.Sample(b, td, now).LeftOut)
	td, b = batch(t, span{trace: 1}, span{trace: 2})
	require.Equal(t, map[string]int{"earlier_part": 1}, s.Sample(b, td, now.Add(10*time.Second)).LeftOut)
	require.Equal(t, []byte{2}, ids(td))
	td, b = batch(t, span{trace: 1, priority: 2})
	s.Sample(b, td, now)
	require.Equal(t, []byte{1}, ids(td))
	td, b = batch(t, span{trace: 1})
	s.Sample(b, td, now)
	require.Equal(t, []byte{1}, ids(td), "kept later on, it stays kept")
}

func TestErrorsAreKeptAtARateAndMarked(t *testing.T) {
	t.Parallel()
	s := New(Rates{ErrorTPS: 10})
	td, b := batch(t, span{trace: 1, priority: 0, failed: true})
	require.Equal(t, map[string]int{"error": 1}, s.Sample(b, td, now).Kept)
	v, ok := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get("_dd.errors_sr")
	require.True(t, ok)
	require.EqualValues(t, 1, v.Double())
	off := New(Rates{})
	td, b = batch(t, span{trace: 1, priority: 0, failed: true})
	off.Sample(b, td, now)
	require.Empty(t, ids(td))
}

func TestRareShapesAreKept(t *testing.T) {
	t.Parallel()
	s := New(Rates{Rare: true})
	td, b := batch(t, span{trace: 1, priority: 0})
	require.Equal(t, map[string]int{"rare": 1}, s.Sample(b, td, now).Kept)
	require.Equal(t, []byte{1}, ids(td))
	td, b = batch(t, span{trace: 2, priority: 0})
	s.Sample(b, td, now.Add(time.Second))
	require.Empty(t, ids(td), "the second of a shape is not rare")
}
