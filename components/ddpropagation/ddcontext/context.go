package ddcontext

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// node is a context.Context of its own rather than a value in one: one allocation less per request.
type node struct {
	context.Context

	traceID trace.TraceID // the trace data speaks of; zero if data is not set
	data    TraceData
	links   []trace.Link
}

type nodeKey struct{}

func (n *node) Value(key any) any {
	if _, ok := key.(nodeKey); ok {
		return n
	}
	return n.Context.Value(key)
}

// FromContext returns what Datadog says about the trace of the current span, as Inject would send it: priority, origin, tags and last parent.
// It is found in the context that Extract returned and in its children, or else in the span's own tracestate, so it survives where only the
// SpanContext is handed on. ok is false if Datadog has said nothing about this trace.
func FromContext(ctx context.Context) (data TraceData, ok bool) {
	return dataFor(ctx, trace.SpanContextFromContext(ctx))
}

// LinksFromContext returns links to the traces that the last Extract found and did not continue: another style naming another trace, or any at
// all under Restart. Give them to the span that continues, and to that one only:
//
//	ctx = propagator.Extract(ctx, carrier)
//	ctx, span := tracer.Start(ctx, "handle", trace.WithLinks(ddcontext.LinksFromContext(ctx)...))
//
// The attributes of a link are reason (terminated_context or propagation_behavior_extract) and context_headers (the style).
func LinksFromContext(ctx context.Context) []trace.Link {
	if n := nodeFrom(ctx); n != nil {
		return n.links
	}
	return nil
}

func nodeFrom(ctx context.Context) *node {
	n, _ := ctx.Value(nodeKey{}).(*node)
	return n
}

func dataFor(ctx context.Context, sc trace.SpanContext) (TraceData, bool) {
	// The raw data is used for its own trace only: a new trace begun in the same context must not inherit a foreign decision.
	if n := nodeFrom(ctx); n != nil && n.traceID.IsValid() && n.traceID == sc.TraceID() {
		data := n.data
		if data.HasPriority || !sc.IsRemote() {
			data.reconcile(sc.IsSampled())
		}
		return data, true
	}
	if value := sc.TraceState().Get("dd"); value != "" {
		if data, ok := ParseMember(value); ok {
			data.reconcile(sc.IsSampled())
			return data, true
		}
	}
	return TraceData{}, false
}
