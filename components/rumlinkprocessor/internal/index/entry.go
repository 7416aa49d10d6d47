package index

import (
	"unique"
	"unsafe"
)

// SpanInfo is what a log learns from its span.
type SpanInfo struct{ Service, Name string }

// entry is a value of the store, of a fixed 64 bytes. Strings are shared by
// all entries that hold the same ones (package unique) and freed with the last.
//
// There are three sorts of entry: of a span, under the low half of its trace
// id and its span id; of a trace, under the low half alone; and of a key.
type entry struct {
	hi uint64 // upper half of the trace id
	// hi2 is the second upper half seen under a trace entry's low half. In a
	// span entry it is what the span's logs say the upper half is, 0 nothing.
	hi2    uint64
	info   Info               // span entries
	rum    unique.Handle[RUM] // trace entries: what is certain of the user
	extra  any                // of a span entry *pending, of a trace entry *user, of a key entry *Owner
	counts Counts
	flags  flags
}

// flags say what an entry stands for.
type flags uint16

const (
	seen        flags = 1 << iota // a span (or RUM event) was seen, not only logs
	twoHi                         // hi2 is a second upper half
	manyHi                        // there are more upper halves than are remembered
	passed                        // the span has gone on its way
	severalKeys                   // key entry: spans of several traces carry the key
	severalSpan                   // key entry: several spans of the trace carry it
)

// Owner is the span a key leads to.
type Owner struct {
	Ref
	Start uint64 // start of the span, Unix ns
	since int64  // when the key was first seen, by the index's clock
}

const ownerBytes = int64(unsafe.Sizeof(Owner{}))

// addHi notes an upper half under which the entry's low half was seen.
func (e *entry) addHi(hi uint64) {
	switch {
	case e.flags&seen == 0:
		e.hi = hi
		e.flags |= seen
	case hi == e.hi || e.flags&twoHi != 0 && hi == e.hi2:
	case e.flags&twoHi == 0:
		e.hi2 = hi
		e.flags |= twoHi
	default:
		e.flags |= manyHi
	}
}

// verdict is what the upper halves say about a candidate.
type verdict uint8

const (
	mismatch verdict = iota
	match
	unsure
)

// matches compares the upper half that a log has, 0 for none, with those seen.
// It returns the upper half of the match.
func (e *entry) matches(hi uint64) (uint64, verdict) {
	several := e.flags&(twoHi|manyHi) != 0
	switch {
	case hi == e.hi && (hi != 0 || !several), hi != 0 && e.flags&twoHi != 0 && hi == e.hi2:
		return hi, match
	case hi == 0 && !several:
		return e.hi, match
	case hi == 0, e.flags&manyHi != 0:
		return 0, unsure
	}
	return 0, mismatch
}

// own makes the span the key's owner if it is the first with the key. Of
// several traces and spans, the one that started first owns the key, in
// whatever order they come.
func (e *entry) own(o Owner, now int64) (grown int64) {
	known, ok := e.extra.(*Owner)
	if !ok {
		o.since = now
		e.extra = &o
		return ownerBytes
	}
	if known.Low != o.Low || known.High != o.High {
		e.flags |= severalKeys
	} else if known.Span != o.Span {
		e.flags |= severalSpan
	}
	if o.before(known) {
		o.since = known.since
		*known = o
	}
	return 0
}

func (o *Owner) before(other *Owner) bool {
	switch {
	case o.Start != other.Start:
		return o.Start < other.Start
	case o.High != other.High:
		return o.High < other.High
	case o.Low != other.Low:
		return o.Low < other.Low
	}
	return o.Span < other.Span
}
