package decode

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// maxCarriers bounds how many traces one chunk is searched for. A chunk is one trace.
const maxCarriers = 8

// sampledFlag is the bit of W3C trace flags that says the trace is kept.
const sampledFlag = 1

// chunk is what the spans of one chunk share. Much of it may come after them on the wire, so spans are written first and
// completed when the chunk ends.
type chunk struct {
	spans    []placed
	touched  []int // groups with a span of this chunk
	carriers []carrier
	attrs    []attr
	chunkFields
}

// chunkFields are what a chunk begins without. Like placed they hold no pointers, which the garbage collector would want to know of.
type chunkFields struct {
	number int

	// ownsTraceID says the trace id is the chunk's (v1.0): traceHi and traceLo, once they were read.
	ownsTraceID      bool
	traceHi, traceLo uint64
	tid              uint64 // the chunk's own `_dd.p.tid`

	priority     float64
	hasPriority  bool
	origin       sym
	mechanism    uint64
	hasMechanism bool
}

// placed is a span of the chunk that is in the result already: where, and its trace id as it said it.
type placed struct {
	group, index int
	low, high    uint64
}

// carrier is a span that brought the upper half of its trace id, `_dd.p.tid`. It rides on one span of the chunk only, wherever that is.
type carrier struct{ low, high uint64 }

func (d *Decoder) beginChunk() {
	c := &d.chunk
	c.spans, c.touched, c.carriers, c.attrs = c.spans[:0], c.touched[:0], c.carriers[:0], c.attrs[:0]
	c.chunkFields = chunkFields{number: c.number + 1}
	d.stats.Chunks++
}

// place notes a span just written to group g.
func (d *Decoder) place(g int) {
	c, sp, group := &d.chunk, &d.span, &d.groups[g]
	index := group.spans.Len() - 1
	c.spans = append(grow(c.spans), placed{group: g, index: index, low: sp.traceID, high: sp.tid})
	if sp.tid != 0 && len(c.carriers) < maxCarriers && c.high(sp.traceID) == 0 {
		c.carriers = append(c.carriers, carrier{low: sp.traceID, high: sp.tid})
	}
	if sp.hasPriority && !c.hasPriority {
		c.priority, c.hasPriority = sp.priority, true
	}
	if group.chunk != c.number {
		group.chunk, group.first, group.hasPriority = c.number, index, false
		c.touched = append(c.touched, g)
	}
	group.hasPriority = group.hasPriority || sp.hasPriority
}

func (c *chunk) high(low uint64) uint64 {
	for _, carrier := range c.carriers {
		if carrier.low == low {
			return carrier.high
		}
	}
	return 0
}

// endChunk completes the spans of the chunk with what is known now.
func (d *Decoder) endChunk() {
	c := &d.chunk
	if len(c.spans) == 0 {
		return
	}
	for i := range c.spans {
		d.complete(&c.spans[i])
		d.orphans = d.orphans || (c.ownsTraceID && c.traceHi|c.traceLo == 0)
	}
	if d.mode == Semantic {
		return
	}
	for _, g := range c.touched {
		group := &d.groups[g]
		first := group.spans.At(group.first).Attributes()
		// Datadog's exporter looks for the priority within each ResourceSpans and else decides anew.
		if c.hasPriority && !group.hasPriority {
			first.PutDouble(knownText[kPriority], c.priority)
		}
		if c.origin != noSym {
			putIfAbsent(first, knownText[kOrigin], d.syms.text(c.origin))
		}
	}
	first := d.placedSpan(&c.spans[0]).Attributes()
	if c.hasMechanism {
		putIfAbsent(first, knownText[kDM], "-"+strconv.FormatUint(c.mechanism, 10))
	}
	if c.ownsTraceID && c.traceHi != 0 {
		if v, ok := first.GetOrPutEmpty(knownText[kTID]); !ok {
			v.SetStr(string(ddcontext.AppendHex64(nil, c.traceHi)))
		}
	}
	for _, a := range c.attrs {
		if value, ok := first.GetOrPutEmpty(d.syms.text(a.key)); !ok {
			d.put(a, value)
		}
	}
}

func (d *Decoder) placedSpan(p *placed) ptrace.Span { return d.groups[p.group].spans.At(p.index) }

func (d *Decoder) complete(p *placed) {
	c, span := &d.chunk, d.placedSpan(p)
	high, low := p.high, p.low
	if c.ownsTraceID {
		high, low = c.traceHi, c.traceLo
	}
	// A span's own upper half wins.
	if high == 0 {
		high = c.high(p.low)
	}
	if high == 0 {
		high = c.tid
	}
	span.SetTraceID(ddcontext.JoinTraceID(high, low))
	if c.hasPriority && c.priority > 0 {
		span.SetFlags(sampledFlag)
	}
}

func putIfAbsent(m pcommon.Map, key, value string) {
	if v, ok := m.GetOrPutEmpty(key); !ok {
		v.SetStr(value)
	}
}

// removeOrphans removes spans whose chunk never told its trace id.
func (d *Decoder) removeOrphans() {
	if !d.orphans {
		return
	}
	for _, rs := range d.td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				if !span.TraceID().IsEmpty() {
					return false
				}
				d.stats.Spans--
				d.drop(DropNoID)
				return true
			})
		}
	}
	d.td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool { return rs.ScopeSpans().At(0).Spans().Len() == 0 })
}
