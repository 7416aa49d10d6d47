package ddpropagation

// batch is what the spans of one batch know together.
type batch struct {
	// notes are upper halves as spans said them. A batch whose spans all have a tid needs no more than this list.
	notes []note
	// incomplete says that some span or link needs what others know.
	incomplete bool
	// halves is what is known about each lower half; it is filled when the batch is incomplete.
	halves map[uint64]half
	tally  tally
	states [stateOutcomeCount]int64
}

// note says that lower belongs to upper.
type note struct{ lower, upper uint64 }

// half is what is known about one lower half: an upper half of 0 from somewhere means that two were seen there.
type half struct {
	upper  uint64
	source int // fromNowhere, fromBatch or fromCache
}

func (h half) outcome() outcome {
	switch {
	case h.upper != 0:
		return mapped
	case h.source == fromNowhere:
		return absent
	}
	return tidCollision
}

// note writes down a new fact. Spans of one trace tend to follow one another, so looking at the last note saves most of the others.
func (b *batch) note(lower, upper uint64) {
	if n := len(b.notes); n == 0 || b.notes[n-1] != (note{lower, upper}) {
		b.notes = append(b.notes, note{lower, upper})
	}
}

// tell makes a fact known to all. A second, different upper half leaves lower to those spans that have a tid of their own.
func (b *batch) tell(lower, upper uint64) {
	h, ok := b.halves[lower]
	switch {
	case !ok:
		b.halves[lower] = half{upper: upper, source: fromBatch}
	case h.upper != upper:
		b.halves[lower] = half{source: fromBatch}
	}
}

// keptHalves bounds what an idle batch holds on to, and what emptying it costs, after one that was much larger than the others.
const keptHalves = 1 << 14

func (b *batch) reset() {
	if len(b.halves) > keptHalves || cap(b.notes) > keptHalves {
		*b = batch{halves: map[uint64]half{}}
		return
	}
	clear(b.halves)
	*b = batch{notes: b.notes[:0], halves: b.halves}
}
