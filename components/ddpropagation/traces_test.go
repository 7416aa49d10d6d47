package ddpropagation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	tidA, tidB = "6a70aa9500000000", "6a70aa9600000000"
	low1, low2 = "42f4b7ad16a3d8df", "5f21bc0077e1a9d3"
)

// spanCase is one span: its trace id before and after, and its tid.
type spanCase struct{ before, tid, after string }

// What becomes of the trace ids of one batch, and what is counted. The first four are what dd-trace sends (partial flushes
// repeat the tid per chunk); the others are what happens to it on its way.
func TestTraceIDsOfABatch(t *testing.T) {
	const dd, none = "_dd.p.tid", ""
	for _, c := range []struct {
		name   string
		spans  []spanCase
		counts counts
	}{
		{"the first span of a chunk has the tid", []spanCase{{zeros + low1, tidA, tidA + low1}, {zeros + low1, none, tidA + low1}},
			counts{{"traces", dd, "mapped"}: 1, {"traces", "batch", "mapped"}: 1}},
		{"or another one has", []spanCase{{zeros + low1, none, tidA + low1}, {zeros + low1, tidA, tidA + low1}},
			counts{{"traces", dd, "mapped"}: 1, {"traces", "batch", "mapped"}: 1}},
		{"two chunks of one trace", []spanCase{{zeros + low1, tidA, tidA + low1}, {zeros + low1, none, tidA + low1}, {zeros + low1, tidA, tidA + low1}},
			counts{{"traces", dd, "mapped"}: 2, {"traces", "batch", "mapped"}: 1}},
		{"no tid at all: a 64-bit trace", []spanCase{{zeros + low1, none, zeros + low1}},
			counts{{"traces", "none", "absent"}: 1}},
		{"a tid never reaches another trace", []spanCase{{zeros + low1, tidA, tidA + low1}, {zeros + low2, none, zeros + low2}},
			counts{{"traces", dd, "mapped"}: 1, {"traces", "none", "absent"}: 1}},
		{"equal already", []spanCase{{tidA + low1, tidA, tidA + low1}},
			counts{{"traces", dd, "unchanged"}: 1}},
		{"different already", []spanCase{{tidB + low1, tidA, tidB + low1}},
			counts{{"traces", dd, "tid_mismatch"}: 1, {"traces", "cache", "tid_collision"}: 1}},
		{"two tids for one lower half", []spanCase{{zeros + low1, tidA, tidA + low1}, {zeros + low1, tidB, tidB + low1}, {zeros + low1, none, zeros + low1}},
			counts{{"traces", dd, "mapped"}: 2, {"traces", "batch", "tid_collision"}: 1, {"traces", "cache", "tid_collision"}: 1}},
		{"a whole id tells the others", []spanCase{{tidA + low1, none, tidA + low1}, {zeros + low1, none, tidA + low1}},
			counts{{"traces", "none", "unchanged"}: 1, {"traces", "batch", "mapped"}: 1}},
		{"two whole ids tell nobody", []spanCase{{tidA + low1, none, tidA + low1}, {tidB + low1, none, tidB + low1}, {zeros + low1, none, zeros + low1}},
			counts{{"traces", "none", "unchanged"}: 2, {"traces", "batch", "tid_collision"}: 1}},
		{"a bad tid is dropped, its span is told", []spanCase{{zeros + low1, "6A70AA9500000000", tidA + low1}, {zeros + low1, tidA, tidA + low1}},
			counts{{"traces", dd, "malformed_tid"}: 1, {"traces", dd, "mapped"}: 1, {"traces", "batch", "mapped"}: 1}},
		{"a lower half of zero", []spanCase{{tidA + zeros, none, tidA + zeros}, {zeros + zeros, tidA, zeros + zeros}},
			counts{{"traces", "none", "unchanged"}: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			td := ptrace.NewTraces()
			for _, s := range c.spans {
				addSpan(t, td, s.before, s.tid)
			}
			counted := countIDs(t, createDefaultConfig().(*Config), td)
			for i, s := range c.spans {
				require.Equal(t, traceIDOf(t, s.after), td.ResourceSpans().At(i).ScopeSpans().At(0).Spans().At(0).TraceID(), "span %d", i)
			}
			require.Equal(t, c.counts, counted)
		})
	}
}

// addSpan adds a span in a resource of its own.
func addSpan(t testing.TB, td ptrace.Traces, trace, tid string) ptrace.Span {
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(traceIDOf(t, trace))
	if tid != "" {
		span.Attributes().PutStr(tidKey, tid)
	}
	return span
}

func TestLinksAreCounted(t *testing.T) {
	td := ptrace.NewTraces()
	addSpan(t, td, zeros+low1, tidA)
	span := addSpan(t, td, tidB+low2, "")
	span.Links().AppendEmpty().SetTraceID(traceIDOf(t, zeros+low1))
	span.Links().AppendEmpty().SetTraceID(traceIDOf(t, zeros+"0000000000000007"))
	span.Attributes().PutStr(spanLinksKey, `[{"trace_id":"`+low1+`","span_id":"00000000000000aa"},{"trace_id":"7"}]`)

	require.Equal(t, counts{
		{"traces", "_dd.p.tid", "mapped"}:       1,
		{"traces", "none", "unchanged"}:         1,
		{"traces", "link", "mapped"}:            1,
		{"traces", "link", "absent"}:            1,
		{"traces", "_dd.span_links", "mapped"}:  1,
		{"traces", "_dd.span_links", "invalid"}: 1,
	}, countIDs(t, createDefaultConfig().(*Config), td))
	require.Equal(t, 3, span.Links().Len())
	require.Equal(t, traceIDOf(t, tidA+low1), span.Links().At(2).TraceID())
}

// A list of links that no tracer would write is left alone, not read into memory.
func TestLongLinksAttributeIsLeftAlone(t *testing.T) {
	td := ptrace.NewTraces()
	span := addSpan(t, td, tidA+low1, "")
	text := `[{"trace_id":"` + low1 + `","span_id":"00000000000000aa"}` + string(make([]byte, maxLinksBytes)) + `]`
	span.Attributes().PutStr(spanLinksKey, text)
	require.Equal(t, counts{{"traces", "none", "unchanged"}: 1, {"traces", "_dd.span_links", "out_of_range"}: 1},
		countIDs(t, createDefaultConfig().(*Config), td))
	require.Zero(t, span.Links().Len())
}

func TestTracestatesAreCounted(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Traces.Tracestate = tracestateUpsert
	td := ptrace.NewTraces()
	addSpan(t, td, tidA+low1, "")
	addSpan(t, td, tidA+low1, "").Attributes().PutDouble("_sampling_priority_v1", 1)
	told := addSpan(t, td, tidA+low1, "")
	told.Attributes().PutDouble("_sampling_priority_v1", 1)
	told.TraceState().FromRaw("dd=s:1")
	addSpan(t, td, tidA+low1, "").Attributes().PutStr("_dd.origin", string(make([]byte, 300))+"long")
	cut := addSpan(t, td, tidA+low1, "")
	for _, tag := range []string{"_dd.p.a", "_dd.p.b", "_dd.p.c", "_dd.p.d"} {
		cut.Attributes().PutStr(tag, "0123456789012345678901234567890123456789012345678901234567890123456789")
	}
	addSpan(t, td, tidA+low1, "").Attributes().PutStr("_dd.p.usr.id", "no,header") // a value with a comma fits nowhere
	addSpan(t, td, tidA+low1, "").Attributes().PutStr("_dd.p.upstream_services", "a,b")

	c := newCollector(t, cfg)
	require.NoError(t, c.traces(t).ConsumeTraces(t.Context(), td))
	for outcome, want := range map[string]int64{"written": 2, "unchanged": 1, "cut": 2, "nothing": 0} {
		require.Equal(t, want, c.value(t, "tracestates", label("outcome", outcome)), outcome)
	}
}
