package ddcontext

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// New returns a propagator that reads and writes Datadog's headers and W3C trace context side by side.
//
// Reading: styles are tried in order, and the first valid context is the parent. A later W3C context of the same trace adds its tracestate and,
// if its span is another (a W3C hop in between), that span as the parent. A later context of another trace becomes a link, see
// LinksFromContext. Nothing valid leaves the context unchanged.
//
// Use it alone rather than beside propagation.TraceContext: in OpenTelemetry's composite the last propagator wins, not the first. Baggage is
// orthogonal and left to propagation.Baggage.
func New(options ...Option) propagation.TextMapPropagator {
	p := &propagator{maxTags: MaxTagsLength, report: func(string) {}}
	for _, option := range options {
		option(p)
	}
	p.styles = slices.DeleteFunc(p.styles, func(s Style) bool {
		if s.fields() != nil {
			return false
		}
		p.report(ErrorUnknownStyle)
		return true
	})
	if len(p.styles) == 0 {
		p.styles = []Style{Datadog, TraceContext}
	}
	for _, style := range p.styles {
		p.beyondW3C = p.beyondW3C || style != TraceContext
		p.writesState = p.writesState || style == TraceContext
		for _, h := range style.fields() {
			p.fields = append(p.fields, h.name)
			p.headers = append(p.headers, h)
		}
	}
	return p
}

type propagator struct {
	styles       []Style
	fields       []string
	headers      []header // the same
	writesState  bool     // there is TraceContext among the styles
	beyondW3C    bool     // there is a style besides TraceContext
	extractFirst bool
	behavior     Behavior
	missing      Missing
	maxTags      int
	strip        bool
	report       func(kind string)
}

var _ propagation.TextMapPropagator = (*propagator)(nil)

// Inject writes the current span into the carrier in every style. Nothing is written for an invalid span context.
func (p *propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() || carrier == nil {
		return
	}
	// told is what the member says; said what goes into headers that can't do without a decision. They differ where Datadog said nothing
	// about this trace: the sampled flag tells it all, and no member is needed.
	var told TraceData
	n, known := nodeFor(ctx, sc), false
	asIs := !p.strip && memberStands(sc)
	if n != nil {
		told, known = n.dataFor(sc), true
		asIs = asIs && n.data.HasPriority // else the member says nothing of the decision taken since
	} else if !asIs || p.beyondW3C {
		told, known = memberData(sc)
	}
	if p.strip {
		told.Origin, told.Tags, told.foreign = "", Tags{}, ""
	}
	said := told
	if !known {
		said.reconcile(sc.IsSampled())
	}
	w := newWriter(carrier, p.headers)
	for _, style := range p.styles {
		switch style {
		case Datadog:
			p.writeDatadog(&w, sc, &said)
		case TraceContext:
			p.writeW3C(&w, sc, &told, asIs)
		case B3:
			writeB3(&w, sc, &said)
		case B3Multi:
			writeB3Multi(&w, sc, &said)
		}
	}
}

// Fields returns the names of the headers that Inject sets.
func (p *propagator) Fields() []string { return slices.Clone(p.fields) }

func (s Style) fields() []header {
	switch s {
	case Datadog:
		return []header{traceIDHeader, parentIDHeader, priorityHeader, originHeader, tagsHeader}
	case TraceContext:
		return []header{traceparentHeader, tracestateHeader}
	case B3:
		return []header{b3Header}
	case B3Multi:
		return []header{b3TraceIDHeader, b3SpanIDHeader, b3SampledHeader}
	}
	return nil
}
