package sink

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Sink builds one result after the other and reuses its working memory. It is not safe for concurrent use.
type Sink struct {
	// Translator has the fields and tags of the span that is read.
	*translate.Translator
	// Payload and Chunk are those that are read.
	Payload Payload
	Chunk   Chunk

	options   Options
	stats     Stats
	td        ptrace.Traces
	resources resources
	roots     roots
	bad       string // why the span that is read can't be kept
	dropped   string // why the first span that was dropped could not
	whole     bool   // a span of the result has no trace id and must go
	grown     int    // bytes since the last Charge
}

// New makes a Sink.
func New(o Options) *Sink {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sink{Translator: translate.New(translate.Options{Mode: o.Mode, KeepEncoding: o.KeepEncoding}), options: o}
	s.Values.OnGrow = func(bytes int) {
		if s.options.Charge == nil {
			return
		}
		if err := s.options.Charge(bytes); err != nil {
			panic(stop{err})
		}
	}
	s.resources.index = make(map[resourceKey]int)
	s.roots = roots{index: make(map[rootKey]int), ids: make(map[pcommon.SpanID]struct{})}
	return s
}

// stop unwinds a reader from the middle of a span: its strings and tags alone can be more than may be held.
type stop struct{ err error }

// Stopped returns the error of Options.Charge that a recovered panic is, or panics again.
func Stopped(recovered any) error {
	if s, ok := recovered.(stop); ok {
		return s.err
	}
	panic(recovered)
}

// ChargeTo sets Options.Charge for the results that follow.
func (s *Sink) ChargeTo(charge func(bytes int) error) { s.options.Charge = charge }

// Begin starts a result. size is that of the payload in bytes.
func (s *Sink) Begin(size int, h Headers) {
	s.Reset(size)
	s.Payload = Payload{Headers: h}
	s.Chunk.reset()
	s.resources.reset()
	s.roots.reset()
	s.stats, s.td = Stats{}, ptrace.NewTraces()
	s.bad, s.dropped, s.whole, s.grown = "", "", true, 0
}

// End returns the result.
func (s *Sink) End() ptrace.Traces {
	s.EndPayload()
	s.removeWithoutID()
	td := s.td
	s.td = ptrace.Traces{}
	return td
}

// Stats are of the result that is or was built last.
func (s *Sink) Stats() Stats {
	stats := s.stats
	stats.Unreadable = s.Unreadable
	return stats
}

// BeginSpan starts a span.
func (s *Sink) BeginSpan() {
	s.Translator.Begin()
	s.bad = ""
}

// Bad marks the span that is read: it can't be kept.
func (s *Sink) Bad(why string) { s.bad = why }

// Drop counts a span that is not in the result.
func (s *Sink) Drop(reason DropReason, why string) {
	s.stats.Dropped[reason]++
	if s.dropped == "" {
		s.dropped = why
	}
}

// Nothing returns an error if there were spans and none can be kept: their sender should know.
func (s *Sink) Nothing() error {
	n := 0
	for _, dropped := range s.stats.Dropped {
		n += dropped
	}
	if n == 0 || s.stats.Spans > 0 {
		return nil
	}
	return fmt.Errorf("nothing of %d spans can be kept: %s", n, s.dropped)
}

// EndSpan writes the span to its place in the result.
func (s *Sink) EndSpan() error {
	ids := s.Span.IDs
	switch {
	case s.bad != "":
		s.Drop(DropMalformed, s.bad)
		return nil
	case ids.SpanID == 0:
		s.Drop(DropNoID, "a span has no span id")
		return nil
	case ids.TraceID == 0 && !s.Chunk.OwnsTraceID:
		s.Drop(DropNoID, "a span has no trace id")
		return nil
	case s.stats.Spans >= s.options.MaxSpans:
		return ErrTooManySpans
	}
	r, err := s.resources.find(s.td, resourceKey{s.Span.Service, s.Span.Env, s.Span.Version, s.Tags.Base}, &s.Payload)
	if err != nil {
		return err
	}
	s.stats.Spans++
	out := s.resources.list[r].spans.AppendEmpty()
	s.Write(out, s.options.Now, s.spare())
	s.Chunk.place(s, r)
	return s.charge(spanBytes + attrBytes*out.Attributes().Len())
}

func (s *Sink) charge(bytes int) error {
	if s.options.Charge == nil {
		return nil
	}
	if s.grown += bytes; s.grown < ChargeStep {
		return nil
	}
	bytes, s.grown = s.grown, 0
	return s.options.Charge(bytes)
}

// removeWithoutID removes spans whose chunk had no trace id.
func (s *Sink) removeWithoutID() {
	if s.whole {
		return
	}
	for _, rs := range s.td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				if !span.TraceID().IsEmpty() {
					return false
				}
				s.stats.Spans--
				s.Drop(DropNoID, "a chunk has no trace id")
				return true
			})
		}
	}
	s.td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool { return rs.ScopeSpans().At(0).Spans().Len() == 0 })
}

// Replace sets a string that a header or an agent said, if b says it too: the payload knows better.
func (s *Sink) Replace(to *string, b intern.Sym) {
	if b != intern.Empty {
		*to = s.Values.String(b)
	}
}
