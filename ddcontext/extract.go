package ddcontext

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// candidate is what one style says.
type candidate struct {
	style     Style
	high, low uint64
	span      uint64
	flags     trace.TraceFlags
	decided   bool // the sender has taken a sampling decision
	lostUpper bool // an upper half of the trace id was sent and could not be read
	data      TraceData

	// Of tracecontext only: the raw tracestate, its dd member if that is of legal length, and the member's parts.
	state   string
	member  string
	parts   memberParts
	orderly bool

	datadogParent uint64 // of datadog only: the parent id, even if a W3C hop has another
}

func (c *candidate) setSampled(sampled bool) { c.flags = c.flags.WithSampled(sampled) }

func (c *candidate) sameTrace(other *candidate) bool {
	return c.high == other.high && c.low == other.low
}

// Extract returns ctx with the carrier's span as remote parent.
func (p *propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if p.behavior == Ignore || carrier == nil {
		return ctx
	}
	r, ok := newReader(carrier, p.styles)
	if !ok {
		return ctx
	}
	base, links, ok := p.readAll(&r)
	if !ok {
		return ctx
	}
	if p.behavior == Restart {
		link := base.link("propagation_behavior_extract")
		restarted := &node{Context: ctx, links: []trace.Link{link}}
		if n := nodeFrom(ctx); n != nil {
			restarted.traceID, restarted.data = n.traceID, n.data // what is known about the parent stays
		}
		return restarted
	}
	sc, keep := p.spanContext(&base)
	if keep {
		ctx = &node{Context: ctx, traceID: sc.TraceID(), data: base.data, links: links}
	} else if len(links) > 0 || nodeFrom(ctx) != nil {
		ctx = &node{Context: ctx, links: links} // hides what an earlier Extract left
	}
	return trace.ContextWithRemoteSpanContext(ctx, sc)
}

// readAll runs the styles and merges what they found.
func (p *propagator) readAll(r *reader) (base candidate, links []trace.Link, ok bool) {
	for _, style := range p.styles {
		next := candidate{style: style}
		if !p.read(r, &next) {
			continue
		}
		switch {
		case !ok:
			base, ok = next, true
			if p.extractFirst {
				return base, nil, true
			}
		case base.sameTrace(&next), base.lostUpper && base.low == next.low:
			// The second case: Datadog's upper half was sent but unreadable, and this style knows it.
			base.high = next.high
			if style == TraceContext && base.style != TraceContext {
				base.merge(&next)
			}
		default:
			p.report(ErrorMismatchedTrace)
			links = append(links, next.link("terminated_context"))
		}
	}
	return base, links, ok
}

func (p *propagator) read(r *reader, c *candidate) bool {
	switch c.style {
	case Datadog:
		return p.readDatadog(r, c)
	case TraceContext:
		return p.readW3C(r, c)
	case B3:
		return p.readB3(r, c)
	default:
		return p.readB3Multi(r, c)
	}
}

// merge takes over from a W3C context of the same trace what only it knows. Priority, origin and tags stay the base's.
func (c *candidate) merge(w3c *candidate) {
	c.state = w3c.state
	c.flags |= w3c.flags & trace.FlagsRandom
	if w3c.orderly {
		c.data.LastParent, c.data.foreign = w3c.parts.lastParent, w3c.parts.foreign
	} else if data, ok := ParseMember(w3c.member); ok {
		c.data.LastParent, c.data.foreign = data.LastParent, data.foreign
	}
	c.member = w3c.member
	if c.span == w3c.span {
		c.datadogParent = 0 // a Datadog tracer would have said p; the browser's RUM and OpenTelemetry services do not
	}
	c.span = w3c.span
}

// spanContext makes the remote span context. keep says that the context must hold the data too, because the span context alone would
// lose some of it.
func (p *propagator) spanContext(c *candidate) (sc trace.SpanContext, keep bool) {
	if c.style == TraceContext && (p.strip || !c.isSettled()) {
		c.data, _ = ParseMember(c.member)
		if c.data.HasPriority {
			c.data.reconcile(c.flags.IsSampled())
		}
	} else if c.style == Datadog && c.data.LastParent == "" && c.datadogParent != 0 {
		c.data.LastParent = spanHex(c.datadogParent)
	}
	if p.strip {
		c.data = TraceData{LastParent: c.data.LastParent}
		c.decided = c.decided && c.style != Datadog
	}
	if !c.decided {
		c.setSampled(p.missing == Sampled)
	}
	// A member may be too small for all tags and changes some characters; a flag cannot say "undecided".
	keep = c.style == Datadog || !c.decided
	if c.style != TraceContext || p.strip || !c.isSettled() {
		p.composeMember(c)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    JoinTraceID(c.high, c.low),
		SpanID:     SpanID(c.span),
		TraceFlags: c.flags,
		TraceState: spanState(c.state, c.member),
		Remote:     true,
	}), keep
}

// isSettled reports whether the W3C member can stay as it is: most are written in order, and agree with the flag.
func (c *candidate) isSettled() bool { return c.orderly && c.parts.agree(c.flags.IsSampled()) }

// composeMember makes the member anew from the data.
func (p *propagator) composeMember(c *candidate) {
	var buf [maxMemberLength]byte
	value := buf[:0]
	if !c.data.isEmpty() {
		var complete bool
		if value, complete = c.data.AppendMember(value); !complete && p.writesState {
			p.report(ErrorTracestate)
		}
	}
	if string(value) != c.member { // usually the sender wrote the same
		c.member = string(value)
	}
}

// link describes a context that is not continued.
func (c *candidate) link(reason string) trace.Link {
	return trace.Link{
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
			TraceID:    JoinTraceID(c.high, c.low),
			SpanID:     SpanID(c.span),
			TraceFlags: c.flags & trace.FlagsSampled,
			TraceState: spanState(c.state, c.member),
			Remote:     true,
		}),
		Attributes: []attribute.KeyValue{
			attribute.String("reason", reason),
			attribute.String("context_headers", string(c.style)),
		},
	}
}
