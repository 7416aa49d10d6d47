package exceptions

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var start = time.Unix(1_800_000_000, 0)

func chunk(service string, change func(ptrace.Span)) *Chunk {
	span := ptrace.NewSpan()
	span.SetName("GET /")
	change(span)
	resource := pcommon.NewMap()
	resource.PutStr("service.name", service)
	c := &Chunk{}
	c.Add(span, resource, "prod")
	return c
}

func TestAShapeIsRareAgainWhenItWasNotSeenForFiveMinutes(t *testing.T) {
	t.Parallel()
	s := New(0, 5)
	shape := func() *Chunk { return chunk("shop", func(ptrace.Span) {}) }
	require.True(t, s.Rare(start, shape()))
	require.False(t, s.Rare(start.Add(rareTTL), shape()))
	require.True(t, s.Rare(start.Add(rareTTL+time.Second), shape()))
}

func TestOnlyEntrySpansHaveAShape(t *testing.T) {
	t.Parallel()
	child := func(span ptrace.Span) { span.SetParentSpanID(pcommon.SpanID{1}) }
	for name, tc := range map[string]struct {
		change func(ptrace.Span)
		want   bool
	}{
		"root":                {func(ptrace.Span) {}, true},
		"inner span":          {child, false},
		"server":              {func(s ptrace.Span) { child(s); s.SetKind(ptrace.SpanKindServer) }, true},
		"consumer":            {func(s ptrace.Span) { child(s); s.SetKind(ptrace.SpanKindConsumer) }, true},
		"client":              {func(s ptrace.Span) { child(s); s.SetKind(ptrace.SpanKindClient) }, false},
		"a tracer's entry":    {func(s ptrace.Span) { child(s); s.Attributes().PutDouble("_dd.top_level", 1) }, true},
		"a tracer's measured": {func(s ptrace.Span) { child(s); s.Attributes().PutInt("_dd.measured", 1) }, true},
		"not an entry":        {func(s ptrace.Span) { child(s); s.Attributes().PutDouble("_dd.top_level", 0) }, false},
	} {
		require.Equal(t, tc.want, New(0, 5).Rare(start, chunk("shop", tc.change)), name)
	}
}

// The library forgets no service. Here all are forgotten together, but not before what they sent is old.
func TestServicesAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	s := New(0, 1)
	for i := range maxServices + 100 {
		s.Rare(start, chunk(fmt.Sprint("service ", i), func(ptrace.Span) {}))
	}
	require.Equal(t, maxServices, s.Services())
	newcomer := func() *Chunk { return chunk("newcomer", func(ptrace.Span) {}) }
	require.False(t, s.Rare(start.Add(rareTTL-time.Second), newcomer()), "there is no place for it")
	require.True(t, s.Rare(start.Add(rareTTL), newcomer()))
	require.Equal(t, 1, s.Services())
}

func TestOnlyChunksWithAnErrorAreKeptForOne(t *testing.T) {
	t.Parallel()
	s := New(10, 0)
	_, keeps := s.Error(start, chunk("shop", func(ptrace.Span) {}))
	require.False(t, keeps)
	rate, keeps := s.Error(start, chunk("shop", func(span ptrace.Span) { span.Status().SetCode(ptrace.StatusCodeError) }))
	require.True(t, keeps)
	require.Equal(t, 1.0, rate)
	_, keeps = New(0, 5).Error(start, chunk("shop", func(span ptrace.Span) { span.Status().SetCode(ptrace.StatusCodeError) }))
	require.False(t, keeps, "not asked for")
}
