package action

import (
	"slices"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Record is an error that waited and can leave: the span it belongs to is known.
type Record struct {
	Action *Action
	Line   event.Line
	To     event.Link
}

// span is the action's first span that was sent or will be, zero when none is known yet.
func (a *Action) span() (to event.Link) {
	if a.Sent {
		return a.Primary
	}
	first := -1
	for i := range a.Traces {
		// Nothing waits for an action beside others: it may never come.
		if t := &a.Traces[i]; (!t.Beside || a.Own.Text != "") && (first < 0 || t.Start < a.Traces[first].Start) {
			first = i
		}
	}
	if first < 0 {
		return event.Link{}
	}
	trace := a.Traces[first].ID
	return event.Link{Trace: trace, Span: event.ActionSpanID(a.App, a.ID, trace)}
}

// Records lists the errors that can leave. It comes after Due, whose spans were
// sent: an action that still has none had its time, and when it never came its
// errors leave as part of the trace it would have had.
func (t *Table) Records(now time.Time, all bool) (list []Record) {
	hurry := all || t.Crowded()
	for _, a := range t.waiting {
		to := a.span()
		if to.IsZero() {
			if !hurry && (a.Own.Text != "" || now.Sub(a.First) < t.cfg.Missing) {
				continue
			}
			trace := event.StandaloneTraceID(a.App, a.ID)
			to = event.Link{Trace: trace, Span: event.ActionSpanID(a.App, a.ID, trace)}
		}
		for _, line := range a.Others.Waiting {
			list = append(list, Record{a, line, to})
		}
	}
	slices.SortStableFunc(list, func(a, b Record) int { return a.Action.First.Compare(b.Action.First) })
	return list
}

// RecordsSent notes that the records were sent and returns their actions.
func (t *Table) RecordsSent(records []Record) (changed []*Action) {
	for i := range records {
		a := records[i].Action
		if len(a.Others.Waiting) == 0 {
			continue // of an action whose records were listed before
		}
		before := a.Size()
		a.Others.Waiting = a.Others.Waiting[1:]
		t.bytes += a.Size() - before
		if len(a.Others.Waiting) == 0 {
			delete(t.waiting, a.Key)
		}
		changed = append(changed, a)
	}
	return changed
}
