package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// addLogs writes what the span's logs came to. Counts of an earlier hop are
// raised where more is known here, never added to; and a span that was counted
// before keeps its events as they are.
func (p *spanLinker) addLogs(n *spanBatch, ref spanRef, span ptrace.Span) {
	var counts [len(countNames)]uint16
	var events []string
	p.join.store.View(ref.spanKey(), func(e *entry) {
		e.flags |= left
		if e.flags&(twoHi|manyHi) != 0 {
			return // whose logs they are is not certain
		}
		counts = e.counts
		if e.events != nil {
			events = e.events.encoded
		}
	})
	if counts == ([len(countNames)]uint16{}) {
		return
	}
	_, counted := span.Attributes().Get(attrCount)
	if len(events) > 0 && !counted {
		n.eventsAdded += attach(span, events)
	}
	if p.cfg.Spans.Counts {
		putCounts(span.Attributes(), &counts)
	}
}

func putCounts(attrs pcommon.Map, counts *[len(countNames)]uint16) {
	var total, bad int64
	for i, c := range counts {
		count := int64(c)
		had, ok := attrs.Get(countNames[i])
		if ok && had.Type() == pcommon.ValueTypeInt && had.Int() >= count {
			count = had.Int()
		} else if count > 0 {
			attrs.PutInt(countNames[i], count)
		}
		total += count
		if i == errorIndex || i == fatalIndex {
			bad += count
		}
	}
	attrs.PutInt(attrCount, total)
	attrs.PutBool(attrHasErrors, bad > 0)
}
