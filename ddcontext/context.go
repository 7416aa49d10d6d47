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
	if n := nodeFor(ctx, sc); n != nil {
		return n.dataFor(sc), true
	}
	return memberData(sc)
}

// nodeFor returns the node with data for the span's own trace: a new trace begun in the same context must not inherit a foreign decision.
func nodeFor(ctx context.Context, sc trace.SpanContext) *node {
	if n := nodeFrom(ctx); n != nil && n.traceID.IsValid() && n.traceID == sc.TraceID() {
		return n
	}
	return nil
}

func (n *node) dataFor(sc trace.SpanContext) TraceData {
	data := n.data
	if data.HasPriority || !sc.IsRemote() {
		data.reconcile(sc.IsSampled())
	}
	return data
}

func memberData(sc trace.SpanContext) (TraceData, bool) {
	value := sc.TraceState().Get("dd")
	if value == "" {
		return TraceData{}, false
	}
	data, ok := ParseMember(value)
	if ok {
		data.reconcile(sc.IsSampled())
	}
	return data, ok
}

// memberStands reports whether the span's tracestate can be sent as it is: its dd member is first, in order, and agrees with the flag.
func memberStands(sc trace.SpanContext) bool {
	stands := false
	sc.TraceState().Walk(func(key, value string) bool {
		if key == "dd" && len(value) <= maxMemberValue {
			parts, orderly := splitMember(value)
			stands = orderly && parts.agree(sc.IsSampled())
		}
		return false
	})
	return stands
}
