package action

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// An action has no trace id of its own: every request it starts is a trace.
// So it becomes a root span in each of them, under an id that follows from
// application, action and trace. The table remembers, for a time, which actions
// are known and which traces name them, in whatever order they come.

// maxTraces bounds one entry. A request beyond it is a root itself.
const maxTraces = 128

// maxLinks bounds the links to requests that were sent before the action was known.
const maxLinks = 8

// Trace is one trace an action takes part in.
type Trace struct {
	ID     pcommon.TraceID
	Parent pcommon.SpanID    // set when the action is the effect of this request
	Start  pcommon.Timestamp // of the earliest request
	Sent   bool
	Beside bool // nothing names the action as its parent here: no placeholder is needed
}

// State is what became of an action so far.
type State struct {
	Failed  bool // an error names it
	Denied  bool // unwanted by name or rate: leaves only as the root of a trace
	Sent    bool // sent at least once; what is sent later is a copy
	Changed bool // since it was last looked at
}

// maxWaiting bounds the records of one entry that wait.
const maxWaiting = 64

// Others are events that name the action.
type Others struct {
	Child   event.Line   // the first request, for a placeholder
	Waiting []event.Line // errors that leave with the action's first span
}

// Action is what is known of one action.
type Action struct {
	Key    digest.Key
	App    string
	ID     string
	Own    event.Line // the action event, no text until it comes
	Others Others
	Traces []Trace
	Links  []event.Link // requests that began near it but were sent before it was known

	First   time.Time // when the entry was made
	Arrived time.Time // when the action came
	State
	Primary event.Link // the span that was sent first
	Slot    int64      // in storage, -1 when it is not there
}

// Size is about what the action takes in memory.
func (a *Action) Size() int {
	n := 256 + len(a.App) + len(a.ID) + len(a.Own.Text) + len(a.Others.Child.Text) + 48*len(a.Traces) + 24*len(a.Links)
	for _, line := range a.Others.Waiting {
		n += 32 + len(line.Text)
	}
	return n
}

// addTrace remembers that a request of trace names the action. It reports
// whether the entry changed.
func (a *Action) addTrace(trace pcommon.TraceID, parent pcommon.SpanID, start pcommon.Timestamp, beside bool) bool {
	for i := range a.Traces {
		known := &a.Traces[i]
		if known.ID != trace {
			continue
		}
		needed := known.Beside && !beside
		known.Beside = known.Beside && beside
		if known.Sent || start >= known.Start {
			return needed
		}
		known.Start = start
		if known.Parent != parent {
			known.Parent = pcommon.SpanID{} // a cause is never an effect of its own trace
		}
		return true
	}
	if len(a.Traces) >= maxTraces {
		return false
	}
	a.Traces = append(a.Traces, Trace{ID: trace, Parent: parent, Start: start, Beside: beside})
	return true
}

// hasTrace reports whether the action takes part in trace.
func (a *Action) hasTrace(trace pcommon.TraceID) bool {
	for i := range a.Traces {
		if a.Traces[i].ID == trace {
			return true
		}
	}
	return false
}

// isEffect reports whether the action is the effect of a request.
func (a *Action) isEffect() bool {
	for i := range a.Traces {
		if a.Traces[i].Parent != (pcommon.SpanID{}) {
			return true
		}
	}
	return false
}

// settled reports whether nothing of the action has yet to leave.
func (a *Action) settled() bool {
	if a.Changed || len(a.Others.Waiting) > 0 || !(a.Sent || a.Denied || a.Own.Text == "") {
		return false
	}
	for i := range a.Traces {
		if !a.Traces[i].Sent && !(a.Own.Text == "" && a.Traces[i].Beside) {
			return false
		}
	}
	return true
}
