package ddpropagation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The chunk of an old tracer comes before the one that knows the upper half: two traces in a backend, with one link between them.
func TestASpanThatCameBeforeItsTidIsLinked(t *testing.T) {
	c := newCollector(t, createDefaultConfig().(*Config))
	p := c.traces(t)
	child := ptrace.NewTraces()
	passed := addSpan(t, child, zeros+low1, "")
	passed.SetSpanID(spanIDOf(t, "00000000000000aa"))
	require.NoError(t, p.ConsumeTraces(t.Context(), child))
	require.Equal(t, traceIDOf(t, zeros+low1), passed.TraceID())

	td := ptrace.NewTraces()
	root := addSpan(t, td, zeros+low1, tidA)
	second := addSpan(t, td, zeros+low1, tidA)
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	require.Equal(t, traceIDOf(t, tidA+low1), root.TraceID())
	require.Equal(t, 1, root.Links().Len())
	require.Zero(t, second.Links().Len())
	link := root.Links().At(0)
	require.Equal(t, traceIDOf(t, zeros+low1), link.TraceID())
	require.Equal(t, spanIDOf(t, "00000000000000aa"), link.SpanID())
	require.Equal(t, map[string]any{lateLinkKey: lateLinkValue}, link.Attributes().AsRaw())
	require.EqualValues(t, 1, c.value(t, "ids", label("outcome", "late_tid")))

	// Whoever completes links leaves this one, here and in the next collector.
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	require.NoError(t, newCollector(t, createDefaultConfig().(*Config)).traces(t).ConsumeTraces(t.Context(), td))
	require.Equal(t, 1, root.Links().Len())
	require.Equal(t, traceIDOf(t, zeros+low1), root.Links().At(0).TraceID())

	// What comes later is completed, as ever.
	later := ptrace.NewTraces()
	span := addSpan(t, later, zeros+low1, "")
	require.NoError(t, p.ConsumeTraces(t.Context(), later))
	require.Equal(t, traceIDOf(t, tidA+low1), span.TraceID())
	require.Zero(t, span.Links().Len())
}

// A trace of 64 bits that stays one costs an entry, and nothing else.
func TestATraceWithoutATidIsLeftAlone(t *testing.T) {
	c := newCollector(t, createDefaultConfig().(*Config))
	p := c.traces(t)
	for range 3 {
		td := ptrace.NewTraces()
		span := addSpan(t, td, zeros+low1, "")
		span.SetSpanID(spanIDOf(t, "00000000000000aa"))
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
		require.Equal(t, traceIDOf(t, zeros+low1), span.TraceID())
		require.Zero(t, span.Links().Len())
	}
	require.Zero(t, c.value(t, "ids", label("outcome", "tid_collision")))
	require.EqualValues(t, 3, c.value(t, "ids", label("outcome", "absent")))
}
