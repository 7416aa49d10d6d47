package ddpropagation

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
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
	cache      *cache // nil when disabled
	telemetry
	batches sync.Pool
}

func newTraceProcessor(set processor.Settings, cfg *Config, c *cache) (*traceProcessor, error) {
	tel, err := newTelemetry(set, "traces", traceSources)
	return &traceProcessor{
		cfg:        cfg.Traces,
		learnSpans: c != nil && cfg.TraceIDCache.ShareWithLogs,
		cache:      c,
		telemetry:  tel,
		batches:    sync.Pool{New: func() any { return &batch{halves: map[uint64]half{}} }},
	}, err
}

// processTraces walks twice, because the tid rides only on the first span of a chunk and a batch may hold the others before it: first every
// span says what it knows, then those that know nothing are told. Most batches have nobody to tell.
func (p *traceProcessor) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	b := p.batches.Get().(*batch)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				p.ask(b, span)
			}
		}
	}
	if b.incomplete {
		p.completeBatch(ctx, b, td)
	}
	if p.cache != nil && len(b.halves) > 0 {
		p.cache.learn(ctx, b.halves)
	}
	p.add(ctx, &b.tally)
	b.reset()
	p.batches.Put(b)
	return td, nil
}

// ask applies a span's own tid and notes what it says about its trace.
func (p *traceProcessor) ask(b *batch, span ptrace.Span) {
	upper, lower := ddcontext.SplitTraceID(span.TraceID())
	tid, hasTID := b.ownTID(span.Attributes())
	switch {
	case hasTID && lower != 0:
		b.note(lower, tid, true)
		upper = p.applyTID(b, span, upper, lower, tid)
	case upper == 0 && lower != 0 && p.cfg.TraceID128:
		b.incomplete = true
	default:
		b.tally[fromNowhere][unchanged]++
		if p.learnSpans && upper != 0 && lower != 0 {
			b.note(lower, upper, true)
		}
	}
	if p.cfg.SpanLinks && !b.incomplete {
		b.incomplete = hasIncompleteLinks(span)
	}
}

// applyTID completes the span's trace id with its own tid and returns the upper half it has now.
func (p *traceProcessor) applyTID(b *batch, span ptrace.Span, upper, lower, tid uint64) uint64 {
	switch {
	case upper == tid:
		b.tally[fromTID][unchanged]++
	case upper != 0:
		// Two words about one trace: neither is passed on to others.
		b.note(lower, upper, true)
		b.tally[fromTID][tidMismatch]++
		return upper
	case !p.cfg.TraceID128:
		b.tally[fromTID][unchanged]++
		return upper
	default:
		span.SetTraceID(ddcontext.JoinTraceID(tid, lower))
		b.tally[fromTID][mapped]++
	}
	if !p.cfg.KeepAttributes {
		span.Attributes().Remove(tidKey)
	}
	return tid
}

// completeBatch tells spans and links the upper halves that others in the batch, or the cache, know.
func (p *traceProcessor) completeBatch(ctx context.Context, b *batch, td ptrace.Traces) {
	// Spans whose id is whole already know it too, whether or not a tid made it so.
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if upper, lower := ddcontext.SplitTraceID(span.TraceID()); upper != 0 && lower != 0 {
					b.note(lower, upper, p.learnSpans)
				}
			}
		}
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if p.cfg.TraceID128 {
					p.completeSpan(ctx, b, span)
				}
				if p.cfg.SpanLinks {
					p.completeLinks(ctx, b, span)
				}
			}
		}
	}
}

func (p *traceProcessor) completeSpan(ctx context.Context, b *batch, span ptrace.Span) {
	upper, lower := ddcontext.SplitTraceID(span.TraceID())
	if upper != 0 || lower == 0 {
		return
	}
	h := p.lookUp(ctx, b, lower)
	if h.upper != 0 {
		span.SetTraceID(ddcontext.JoinTraceID(h.upper, lower))
	}
	b.tally[h.source()][h.outcome()]++
}

// lookUp returns what is known about lower, asking the cache once per batch and trace.
func (p *traceProcessor) lookUp(ctx context.Context, b *batch, lower uint64) half {
	h, ok := b.halves[lower]
	if !ok {
		if p.cache != nil {
			h.upper, h.cached = p.cache.get(ctx, lower)
		}
		h.unknown = !h.cached
		b.halves[lower] = h
	}
	return h
}

// batch is what the spans of one batch know together.
type batch struct {
	halves map[uint64]half
	// incomplete says that some span or link needs what others know.
	incomplete bool
	tally      tally
}

// half is what is known about one lower half.
type half struct {
	upper   uint64 // 0: unknown, or two were seen
	unknown bool
	cached  bool // known from an earlier batch
	learned bool // worth remembering for later batches
}

func (h half) source() int {
	switch {
	case h.unknown:
		return fromNowhere
	case h.cached:
		return fromCache
	}
	return fromBatch
}

func (h half) outcome() outcome {
	switch {
	case h.upper != 0:
		return mapped
	case h.unknown:
		return absent
	}
	return tidCollision
}

// note records that lower belongs to upper. A second, different upper half leaves lower to those spans that have a tid of their own.
func (b *batch) note(lower, upper uint64, learn bool) {
	h, ok := b.halves[lower]
	if !ok {
		h.upper = upper
	} else if h.upper != upper && h.upper != 0 {
		h.upper = 0
		b.tally[fromTID][tidCollision]++
	}
	h.learned = h.learned || learn
	b.halves[lower] = h
}

// ownTID returns the upper half in the span's own attribute.
func (b *batch) ownTID(attrs pcommon.Map) (uint64, bool) {
	v, ok := attrs.Get(tidKey)
	if !ok {
		return 0, false
	}
	tid, ok := uint64(0), false
	if v.Type() == pcommon.ValueTypeStr {
		tid, ok = ddcontext.ParseTID(v.Str())
	}
	if !ok {
		b.tally[fromTID][malformedTID]++
	}
	return tid, ok
}

func (b *batch) reset() {
	clear(b.halves)
	b.incomplete = false
	b.tally = tally{}
}
