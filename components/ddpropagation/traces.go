package ddpropagation

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

const (
	tidKey       = "_dd.p.tid"
	spanLinksKey = "_dd.span_links"
)

// Sources of ids on spans, the order of traceSources.
const (
	fromNowhere = iota
	fromTID
	fromBatch
	fromCache
	fromLink
	fromLinksAttribute
)

var traceSources = []string{"none", tidKey, "batch", "cache", "link", spanLinksKey}

type traceProcessor struct {
	cfg TracesConfig
	// learnSpans makes complete ids of spans worth remembering, not only tids: logs may know only their lower half.
	learnSpans bool
	// describes says that priority, origin or tags are wanted elsewhere than in attributes.
	describes bool
	cache     *cache // nil when disabled
	telemetry
	states     stateTelemetry
	unreadable *unreadable
	batches    sync.Pool
	sdks       *sdkTranslator // nil unless datadog_sdk
}

func newTraceProcessor(set processor.Settings, cfg *Config, c *cache) (*traceProcessor, error) {
	tel, errIDs := newTelemetry(set, "traces", traceSources)
	states, errStates := newStateTelemetry(set)
	sdks, errSDKs := newSDKTranslator(set, cfg.Traces)
	return &traceProcessor{
		sdks:       sdks,
		cfg:        cfg.Traces,
		learnSpans: c != nil && cfg.TraceIDCache.ShareWithLogs,
		describes:  cfg.Traces.SampledFlag || cfg.Traces.Tracestate == tracestateUpsert,
		cache:      c,
		telemetry:  tel,
		states:     states,
		unreadable: newUnreadable(set.Logger),
		batches:    sync.Pool{New: func() any { return &batch{halves: map[uint64]half{}} }},
	}, errors.Join(errIDs, errStates, errSDKs)
}

// processTraces walks twice, because the tid rides only on the first span of a chunk and a batch may hold the others before it: first every
// span says what it knows, then those that know nothing are told. Most batches have nobody to tell.
func (p *traceProcessor) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	if p.sdks != nil {
		p.sdks.process(ctx, td)
	}
	b := p.batches.Get().(*batch)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				p.ask(b, span)
				if p.describes {
					p.describe(b, span)
				}
			}
		}
	}
	if b.incomplete {
		p.completeBatch(b, td)
	}
	if p.cache != nil && len(b.notes) > 0 {
		contradicted, lates := p.cache.learn(b.notes)
		b.tally[fromCache][tidCollision] += contradicted
		if len(lates) > 0 {
			b.tally[fromTID][lateTID] += linkLate(td, lates)
		}
	}
	p.add(ctx, &b.tally)
	p.states.add(ctx, &b.states)
	b.reset()
	p.batches.Put(b)
	return td, nil
}

// ask applies a span's own tid and notes what it says about its trace.
func (p *traceProcessor) ask(b *batch, span ptrace.Span) {
	upper, lower := ddcontext.SplitTraceID(span.TraceID())
	tid, hasTID, hasLinks := p.read(b, span.Attributes())
	switch {
	case hasTID && lower != 0:
		b.note(lower, tid)
		p.applyTID(b, span, upper, lower, tid)
	case upper == 0 && lower != 0 && p.cfg.TraceID128:
		b.incomplete = true
	default:
		b.tally[fromNowhere][unchanged]++
		if p.learnSpans && upper != 0 && lower != 0 {
			b.note(lower, upper)
		}
	}
	if p.cfg.SpanLinks && (hasLinks || hasShortLinks(span.Links())) {
		b.incomplete = true
	}
}

// applyTID completes the span's trace id with its own tid.
func (p *traceProcessor) applyTID(b *batch, span ptrace.Span, upper, lower, tid uint64) {
	switch {
	case upper == tid:
		b.tally[fromTID][unchanged]++
	case upper != 0:
		// Two words about one trace: neither is passed on to others.
		b.note(lower, upper)
		b.tally[fromTID][tidMismatch]++
		return
	case !p.cfg.TraceID128:
		b.tally[fromTID][unchanged]++
		return
	default:
		span.SetTraceID(ddcontext.JoinTraceID(tid, lower))
		b.tally[fromTID][mapped]++
	}
	if !p.cfg.KeepAttributes {
		span.Attributes().Remove(tidKey)
	}
}

// completeBatch tells spans and links the upper halves that others in the batch, or the cache, know.
func (p *traceProcessor) completeBatch(b *batch, td ptrace.Traces) {
	for _, n := range b.notes {
		b.tell(n.lower, n.upper)
	}
	// Spans whose id is whole already know it too, whether or not a tid made it so.
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if upper, lower := ddcontext.SplitTraceID(span.TraceID()); upper != 0 && lower != 0 {
					b.tell(lower, upper)
				}
			}
		}
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if p.cfg.TraceID128 {
					p.completeSpan(b, span)
				}
				if p.cfg.SpanLinks {
					p.completeLinks(b, span)
				}
			}
		}
	}
}

func (p *traceProcessor) completeSpan(b *batch, span ptrace.Span) {
	upper, lower := ddcontext.SplitTraceID(span.TraceID())
	if upper != 0 || lower == 0 {
		return
	}
	h := p.lookUp(b, lower, ddcontext.SpanIDUint64(span.SpanID()))
	if h.upper != 0 {
		span.SetTraceID(ddcontext.JoinTraceID(h.upper, lower))
	}
	b.tally[h.source][h.outcome()]++
}

// lookUp returns what is known about lower, asking the cache once per batch and trace. span is the span that goes on without if nothing is; 0 for links.
func (p *traceProcessor) lookUp(b *batch, lower, span uint64) half {
	h, ok := b.halves[lower]
	if !ok {
		if p.cache != nil {
			if upper, known := p.cache.get(lower, span); known {
				h = half{upper: upper, source: fromCache}
			}
		}
		b.halves[lower] = h
	}
	return h
}

// read returns the upper half in a span's own attributes, and whether they hold links.
func (p *traceProcessor) read(b *batch, attrs pcommon.Map) (tid uint64, hasTID, hasLinks bool) {
	for key, v := range attrs.All() {
		switch key {
		case tidKey:
			if v.Type() == pcommon.ValueTypeStr {
				tid, hasTID = ddcontext.ParseTID(v.Str())
			}
			if !hasTID {
				b.tally[fromTID][malformedTID]++
				p.unreadable.show(tidKey, malformedTID, v.AsString())
			}
		case spanLinksKey:
			hasLinks = true
		}
	}
	return tid, hasTID, hasLinks
}
