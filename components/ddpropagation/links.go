package ddpropagation

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
)

// hasIncompleteLinks reports whether the span has a 64-bit link, or links in an attribute.
func hasIncompleteLinks(span ptrace.Span) bool {
	for _, link := range span.Links().All() {
		if upper, lower := ddcontext.SplitTraceID(link.TraceID()); upper == 0 && lower != 0 {
			return true
		}
	}
	_, ok := span.Attributes().Get(spanLinksKey)
	return ok
}

func (p *traceProcessor) completeLinks(ctx context.Context, b *batch, span ptrace.Span) {
	for _, link := range span.Links().All() {
		upper, lower := ddcontext.SplitTraceID(link.TraceID())
		if upper != 0 || lower == 0 {
			continue
		}
		h := p.lookUp(ctx, b, lower)
		if h.upper != 0 {
			link.SetTraceID(ddcontext.JoinTraceID(h.upper, lower))
		}
		b.tally[fromLink][h.outcome()]++
	}
}
