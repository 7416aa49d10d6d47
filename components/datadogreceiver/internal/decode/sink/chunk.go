package sink

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// NoPriority is what v0.7 and agents write for a chunk without a sampling decision.
const NoPriority = -128

// Chunk is what the spans of one chunk share: a chunk is what a tracer sends of one trace at a time. Much of it may come after the
// spans on the wire, so these are written first and completed when the chunk ends.
type Chunk struct {
	ChunkFields
	attrs    []translate.Attr
	tid      uint64 // the chunk's own upper half of the trace id, as an attribute
	dm       intern.Sym
	keptRate translate.Attr // the rate the trace was kept or dropped by, if a span or the chunk says it
	spans    []placed
	touched  []int // resources with a span of this chunk
	carriers []carrier
	number   int
}

// ChunkFields are what a reader may find on the wire.
type ChunkFields struct {
	// OwnsTraceID means that the trace id is the chunk's: TraceHigh and TraceLow, once they were read.
	OwnsTraceID         bool
	TraceHigh, TraceLow uint64
	// Priority is the sampling decision, if there is one.
	Priority    float64
	HasPriority bool
	Origin      intern.Sym
	// Mechanism is who decided, 0 if unknown.
	Mechanism uint64
}

// carrier is a span that brought the upper half of its trace id. It is on one span of the chunk only, whichever that is.
type carrier struct{ low, high uint64 }

func (c *Chunk) reset() {
	c.begin()
	clear(c.attrs[:cap(c.attrs)])
	if cap(c.spans) > maxKept {
		c.spans = nil
	}
	c.number = 0
}

func (c *Chunk) begin() {
	c.ChunkFields, c.tid, c.dm, c.keptRate = ChunkFields{}, 0, intern.Empty, translate.Attr{}
	c.attrs, c.spans, c.touched, c.carriers = c.attrs[:0], c.spans[:0], c.touched[:0], c.carriers[:0]
	c.number++
}

// spare is how many attributes a span may get when the chunk ends: the first has what the chunk knows and no span says, and all have
// the sampling decision.
func (s *Sink) spare() int {
	c := &s.Chunk
	switch {
	case s.Mode() == translate.Semantic:
		return 0
	case c.OwnsTraceID && len(c.spans) == 0:
		return 3
	}
	return 2
}

// keptByRate reports whether priority and rate say all there is to know about the decision: not so where somebody wanted the trace
// whatever the rate.
func (c *Chunk) keptByRate() bool { return c.HasPriority && c.Priority == 1 && !c.keptRate.IsEmpty() }

// BeginChunk starts a chunk.
func (s *Sink) BeginChunk() *Chunk {
	s.Chunk.begin()
	s.stats.Chunks++
	return &s.Chunk
}

// ChunkAttr takes an attribute of the chunk. They go to its first span.
func (s *Sink) ChunkAttr(a translate.Attr) {
	c := &s.Chunk
	switch text, isText := a.Text(); {
	case a.Key == translate.Service:
		// It repeats the service of the first span.
	case a.Key == translate.TID && isText:
		tid, ok := ddcontext.ParseTID(s.Values.String(text))
		if !ok {
			s.BadTIDs++
			return
		}
		c.tid = tid
		c.attrs = append(c.attrs, a)
	case len(c.attrs) == MaxShared:
		s.BadAttributes++
	default:
		if a.Key == translate.DM && isText {
			c.dm = text
		}
		if a.Key == translate.KeptRate {
			c.keptRate = a
		}
		c.attrs = append(c.attrs, a)
	}
}

// place notes the span that was just written to a resource.
func (c *Chunk) place(s *Sink, resource int) {
	r := &s.resources.list[resource]
	low, tags := s.Span.TraceID, &s.Tags
	index := r.spans.Len() - 1
	c.spans = intern.Append(c.spans, placed{resource: resource, index: index, low: low, high: tags.TID})
	if tags.TID != 0 && len(c.carriers) < maxCarriers && c.high(low) == 0 {
		c.carriers = append(c.carriers, carrier{low: low, high: tags.TID})
	}
	if tags.HasPriority && !c.HasPriority {
		c.Priority, c.HasPriority = tags.Priority, true
	}
	if c.dm == intern.Empty {
		c.dm = tags.DecisionMaker
	}
	if c.keptRate.IsEmpty() {
		c.keptRate = tags.KeptRate
	}
	if r.chunk != c.number {
		r.chunk, r.first, r.hasPriority = c.number, index, false
		c.touched = append(c.touched, resource)
	}
	r.hasPriority = r.hasPriority || tags.HasPriority
}

func (c *Chunk) high(low uint64) uint64 {
	for _, carrier := range c.carriers {
		if carrier.low == low {
			return carrier.high
		}
	}
	return 0
}

// EndChunk completes the spans of the chunk with what is known now.
func (s *Sink) EndChunk() {
	c := &s.Chunk
	if len(c.spans) == 0 {
		return
	}
	for i := range c.spans {
		c.complete(&c.spans[i], s.resources.span(&c.spans[i]))
	}
	if c.OwnsTraceID && c.TraceHigh|c.TraceLow == 0 {
		s.whole = false
	}
	if s.options.Roots {
		s.addRoot()
	}
	if s.Mode() != translate.Semantic {
		s.share()
	}
}

// complete sets the trace id and the sampled flag.
func (c *Chunk) complete(p *placed, span ptrace.Span) {
	high, low := p.high, p.low
	if c.OwnsTraceID {
		high, low = c.TraceHigh, c.TraceLow
	}
	// A span's own upper half wins.
	if high == 0 {
		high = c.high(p.low)
	}
	if high == 0 {
		high = c.tid
	}
	span.SetTraceID(ddcontext.JoinTraceID(high, low))
	if c.HasPriority && c.Priority > 0 {
		span.SetFlags(sampledFlag)
	}
}

// share writes what the chunk knows to the spans that have to say it.
func (s *Sink) share() {
	c := &s.Chunk
	for _, resource := range c.touched {
		r := &s.resources.list[resource]
		first := r.spans.At(r.first).Attributes()
		// Datadog's exporter looks for the priority within each ResourceSpans and else decides anew.
		if c.HasPriority && !r.hasPriority {
			first.PutDouble(translate.AttrPriority, c.Priority)
		}
		if c.Origin != intern.Empty {
			putIfAbsent(first, translate.AttrOrigin, s.Values.String(c.Origin))
		}
	}
	first := s.resources.span(&c.spans[0]).Attributes()
	if c.Mechanism != 0 {
		putIfAbsent(first, translate.AttrDecisionMaker, "-"+strconv.FormatUint(c.Mechanism, 10))
	}
	if c.OwnsTraceID && c.TraceHigh != 0 {
		putIfAbsent(first, translate.AttrTraceIDHigh, string(ddcontext.AppendHex64(nil, c.TraceHigh)))
	}
	s.repeatDecision()
	for _, a := range c.attrs {
		if value, ok := first.GetOrPutEmpty(s.Values.String(a.Key)); !ok {
			s.Values.Put(a, value)
		}
	}
}

// repeatDecision writes priority, and the rate or else the decision maker, to every span of the chunk. A sending queue cuts chunks, and a
// sampler behind it must neither keep the rest of a trace that is to be dropped, nor decide anew about the rest of one that was kept. A
// span without a name, a resource or any tag is nothing a tracer sends; leaving it out keeps the memory of a payload made of them in
// bounds.
func (s *Sink) repeatDecision() {
	c := &s.Chunk
	var why translate.Attr
	switch {
	case c.keptByRate():
		why = c.keptRate
	case c.Mechanism != 0:
		why = translate.StringAttr(translate.DM, s.Values.Text("-"+strconv.FormatUint(c.Mechanism, 10)))
	case c.dm != intern.Empty:
		why = translate.StringAttr(translate.DM, c.dm)
	}
	for i := range c.spans {
		attrs := s.resources.span(&c.spans[i]).Attributes()
		if attrs.Len() == 0 {
			continue
		}
		if c.HasPriority {
			if v, ok := attrs.GetOrPutEmpty(translate.AttrPriority); !ok {
				v.SetDouble(c.Priority)
			}
		}
		if !why.IsEmpty() {
			if v, ok := attrs.GetOrPutEmpty(s.Values.String(why.Key)); !ok {
				s.Values.Put(why, v)
			}
		}
	}
}
