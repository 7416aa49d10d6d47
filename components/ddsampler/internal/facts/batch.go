package facts

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Batch is what one batch says about its traces. A Batch is used again and again: Reset empties it.
type Batch struct {
	// Traces are the traces of the batch in the order they were met.
	Traces []Trace
	// spans[i] is the place in Traces of the i-th span that was added.
	spans []int32
	index map[pcommon.TraceID]int32
}

// keptTraces bounds what an idle batch holds on to after one that was much larger than the others: about 1 MiB.
const keptTraces = 10_000

// Add takes in what a span says. Spans of one trace tend to follow one another, so looking at the last one saves most look-ups.
func (b *Batch) Add(span ptrace.Span, undecidedRate float64) {
	id := span.TraceID()
	i := int32(len(b.Traces) - 1)
	if n := len(b.spans); n > 0 {
		i = b.spans[n-1]
	}
	if i < 0 || b.Traces[i].ID != id {
		i = b.find(id)
	}
	b.spans = append(b.spans, i)
	b.Traces[i].add(span, undecidedRate)
}

func (b *Batch) find(id pcommon.TraceID) int32 {
	if i, ok := b.index[id]; ok {
		return i
	}
	i := int32(len(b.Traces))
	b.Traces = append(b.Traces, Trace{ID: id})
	// A batch of one trace, and most are, needs no index.
	if i == 0 {
		return 0
	}
	if b.index == nil {
		b.index = map[pcommon.TraceID]int32{}
	}
	if i == 1 {
		b.index[b.Traces[0].ID] = 0
	}
	b.index[id] = i
	return i
}

// TraceOf returns the place in Traces of the i-th span that was added.
func (b *Batch) TraceOf(i int) int { return int(b.spans[i]) }

// Reset empties the batch.
func (b *Batch) Reset() {
	if cap(b.Traces) > keptTraces || cap(b.spans) > 10*keptTraces {
		*b = Batch{}
		return
	}
	clear(b.index)
	b.Traces, b.spans = b.Traces[:0], b.spans[:0]
}
