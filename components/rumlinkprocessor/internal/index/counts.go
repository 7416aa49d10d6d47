package index

import (
	"math"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index/store"
)

// Severities are the names of OTLP's severities: number n is Severities[(n-1)/4].
var Severities = [...]string{"trace", "debug", "info", "warn", "error", "fatal"}

// Counts are how many logs a span had: those without a known severity, then
// one count for each of Severities.
type Counts [len(Severities) + 1]uint16

// Counted says what became of a log's contribution to its span.
type Counted struct {
	// Duplicate: the same log had been counted before, and nothing was done.
	Duplicate bool
	// Late: the span has gone on its way without this log.
	Late bool
	// Event: the span has space for an event of this log.
	Event bool
	// Conflict: another trace is known to own the span.
	Conflict bool
	// Refused: the store is full.
	Refused bool
}

// CountLog counts one log on its span, which may yet have to come, unless the
// same log has been counted before. A span keeps at most maxEvents events.
func (x *Index) CountLog(r Ref, fingerprint uint64, severity, maxEvents int) (out Counted) {
	if !x.seen.first(fingerprint) {
		return Counted{Duplicate: true}
	}
	res := x.store.Put(r.SpanKey(), 0, false, func(e *entry, fresh bool) int64 {
		if out.Conflict = !e.claim(r.High, fresh); out.Conflict {
			return 0
		}
		if e.counts[severity] < math.MaxUint16 {
			e.counts[severity]++
		}
		out.Late = e.flags&passed != 0
		out.Event = !out.Late && e.pending().len() < maxEvents
		return 0
	})
	out.Refused = res != store.Hit
	return out
}

// KeepEvent keeps the event of a log that CountLog counted for the log's span.
// It reports whether it did.
func (x *Index) KeepEvent(r Ref, event string, maxEvents int) (kept bool) {
	x.store.Put(r.SpanKey(), eventBytes(event), false, func(e *entry, fresh bool) (grown int64) {
		if !e.claim(r.High, fresh) {
			return 0
		}
		grown, kept = e.addEvent(event, maxEvents)
		return grown
	})
	return kept
}

// claim reports whether a log whose trace has the upper half hi may be counted
// on the entry, and notes that half while the span is not known.
func (e *entry) claim(hi uint64, fresh bool) bool {
	switch {
	case fresh:
		e.hi2 = hi
	case e.flags&seen != 0:
		_, v := e.matches(hi)
		return v == match
	case e.hi2 == 0:
		e.hi2 = hi
	case hi != 0 && hi != e.hi2:
		return false
	}
	return true
}

// LogsOf returns what the logs of a span came to, and notes that the span goes
// on its way with it. Nothing is returned when several traces share the span's
// id: whose logs they are is not certain.
func (x *Index) LogsOf(r Ref) (counts Counts, events []string) {
	x.store.View(r.SpanKey(), func(e *entry) {
		e.flags |= passed
		if e.flags&(twoHi|manyHi) != 0 {
			return
		}
		counts = e.counts
		if p := e.pending(); p != nil {
			events = p.encoded
		}
	})
	return counts, events
}

// pending are events for a span that has yet to come, each as bytes: exact in
// size, without pointers, and never changed by those who read.
type pending struct{ encoded []string }

func (e *entry) pending() *pending {
	p, _ := e.extra.(*pending)
	return p
}

func (p *pending) bytes() (n int64) {
	if p != nil {
		for _, e := range p.encoded {
			n += eventBytes(e)
		}
	}
	return n
}

func (p *pending) len() int {
	if p == nil {
		return 0
	}
	return len(p.encoded)
}

// eventBytes is what an event costs: itself and what the allocator rounds up,
// its header and the slack of the slice, and its part of pending.
func eventBytes(encoded string) int64 { return int64(len(encoded)+len(encoded)/6) + 80 }

func (e *entry) addEvent(encoded string, most int) (grown int64, kept bool) {
	p := e.pending()
	if p.len() >= most {
		return 0, false
	}
	if p == nil {
		p = new(pending)
		e.extra = p
	}
	p.encoded = append(p.encoded, encoded)
	return eventBytes(encoded), true
}
