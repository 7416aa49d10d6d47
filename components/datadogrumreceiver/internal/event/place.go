package event

import "go.opentelemetry.io/collector/pdata/pcommon"

// Link names a span.
type Link struct {
	Trace pcommon.TraceID
	Span  pcommon.SpanID
}

// IsZero reports whether the link names nothing.
func (l Link) IsZero() bool { return l == Link{} }

// How says how the cause of a request was found.
type How uint8

// The ways.
const (
	NotFound How = iota
	ByID         // the SDK named it
	ByTime       // it was inferred
)

// Cause is the action that began a request.
type Cause struct {
	Action string // its id
	How    How
	Parent pcommon.SpanID // its span in the request's trace, zero when that has another root
	Beside Link           // its span in a trace of its own, when actions are kept separate
}

// Place is where an event belongs among others, as far as is known when it is written.
type Place struct {
	Late     bool // older than max_event_age: a record, never a span
	Ahead    bool // the device's clock is ahead by more than the network explains
	OwnsSpan bool // nothing else became the span it names
	Cause    Cause
	Of       Link   // the span of an action or view that a record belongs to, or that a root is linked with
	Stack    string // the stack of an error in its source, "" when only the one that came is known
	Waits    bool   // for its action, which has no span yet: nothing is written
}

// Signals says what was made of an event.
type Signals struct {
	Span, Record bool
}

// None reports whether nothing was made of it.
func (s Signals) None() bool { return !s.Span && !s.Record }
