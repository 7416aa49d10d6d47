package event

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

var (
	errNotObject     = errors.New("event is not an object")
	errNoType        = errors.New("event has no type")
	errNoDate        = errors.New("event has no date between 1970 and 2262")
	errNoApplication = errors.New("event has no application.id")
	errIDTooLong     = errors.New("event has an id longer than 128 bytes")
)

// MaxIDBytes is the longest id an event may hold.
const MaxIDBytes = 128

// The types of events that become more than a log record of their own name.
const (
	TypeResource   = "resource"
	TypeError      = "error"
	TypeAction     = "action"
	TypeView       = "view"
	TypeViewUpdate = "view_update"
	TypeTelemetry  = "telemetry" // the SDK's own: never converted
)

// Origin is what a request says about all of its events.
type Origin struct {
	Tenant     string
	ClientIP   string // what privacy lets through
	SDKVersion string
	Shift      time.Duration // added to every time of the device
	Received   pcommon.Timestamp
	Apps       []string // applications the token may report for; empty is all
	Agent      *Agent   // who sent the request, nil when it does not say
}

// Agent is the browser, or the library of an app, that sent a request.
type Agent struct {
	Original string   `json:"original"` // the user agent as it came
	Name     string   `json:"name,omitempty"`
	Version  string   `json:"version,omitempty"`
	Brands   []string `json:"brands,omitempty"`
	Platform string   `json:"platform,omitempty"`
	Mobile   bool     `json:"mobile,omitempty"`
	OS       OS       `json:"os"`
	Device   string   `json:"device,omitempty"` // its model
}

// OS is an operating system.
type OS struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Type    string `json:"type,omitempty"` // os.type of the semantic conventions
}

// MayReport reports whether the sender's token may report for the application.
func (o *Origin) MayReport(app string) bool {
	if len(o.Apps) == 0 {
		return true
	}
	for _, id := range o.Apps {
		if id == app {
			return true
		}
	}
	return false
}

// Line is one event as it came, which is how it is held.
type Line struct {
	Text string
	From *Origin
}

// Scope says whose event it is.
type Scope struct {
	App     string // application.id
	Session string // session.id
	View    string // view.id
	Source  string
}

// IDs are the span an event names.
type IDs struct {
	Trace  pcommon.TraceID
	Span   pcommon.SpanID
	Parent pcommon.SpanID // a native span that was active, usually none
}

// HasIDs reports whether the event names a span.
func (i *IDs) HasIDs() bool { return i.Trace != pcommon.TraceID{} && i.Span != pcommon.SpanID{} }

// Event is what the receiver needs to know of one line before it writes it.
// Its strings are parts of the request's body, or of one like it.
type Event struct {
	Doc  Doc
	Line string

	Kind string // type
	ID   string // of the event itself, "" when it has none
	Scope
	IDs

	Start   pcommon.Timestamp
	End     pcommon.Timestamp
	Actions []string // ids of the actions the event is a child of; the last is the cause
}

// Read fills e from doc, which was read from line. The device's clock is off by shift.
func (e *Event) Read(doc Doc, line string, shift time.Duration) error {
	*e = Event{Doc: doc, Line: line, Kind: doc.kind, Actions: e.Actions[:0]}
	if doc.values[0].kind != Object {
		return errNotObject
	}
	if e.Kind == "" {
		return errNoType
	}
	e.App, e.Session, e.View = doc.Text(doc.at[atApp]), doc.Text(doc.at[atSession]), doc.Text(doc.at[atView])
	e.Source, e.ID = doc.Text(doc.at[atSource]), doc.Text(doc.at[atID])
	date, dateOK := doc.Integer(doc.at[atDate])
	const maxDate = 9_223_372_036_854 // ms that fit in int64 as ns
	switch {
	case !dateOK || date <= 0 || date > maxDate:
		return errNoDate
	case e.App == "":
		return errNoApplication
	}
	if e.ID == "" && e.Kind == TypeAction {
		// The id decides the span's; without one the line itself does, so that a retry is the same action.
		sum := sha256.Sum256([]byte(line))
		e.ID = hex.EncodeToString(sum[:16])
	}
	e.readIDs()
	e.readActions()
	e.readTimes(date, shift)
	return e.checkLengths()
}

func (e *Event) readIDs() {
	doc := &e.Doc
	e.Trace, _ = ParseTraceID(doc.IDText(doc.at[atTrace]))
	e.Span, _ = ParseSpanID(doc.IDText(doc.at[atSpan]))
	e.Parent, _ = ParseSpanID(doc.IDText(doc.at[atParent]))
}

// readActions reads action.id of a child event: a list in browsers, manual
// actions first and the click last, a string on mobile.
func (e *Event) readActions() {
	doc, list := &e.Doc, e.Doc.at[atAction]
	if list < 0 || e.Kind == TypeAction {
		return
	}
	if id := doc.Text(list); id != "" {
		e.Actions = append(e.Actions, id)
		return
	}
	if doc.values[list].kind != Array {
		return
	}
	for i := range doc.Children(list) {
		if id := doc.Text(i); id != "" && len(e.Actions) < maxLinkedActions {
			e.Actions = append(e.Actions, id)
		}
	}
}

// maxLinkedActions bounds the links of one span; a browser lists the running
// manual actions and one click.
const maxLinkedActions = 16

// readTimes sets Start and End. What an SDK measures is in nanoseconds, what
// its clock shows in milliseconds.
func (e *Event) readTimes(date int64, shift time.Duration) {
	start := max(date*int64(time.Millisecond)+int64(shift), 0)
	duration, _ := e.Doc.Integer(e.Doc.at[atDuration])
	end := start + max(duration, 0)
	if end < start { // overflow
		end = start
	}
	e.Start, e.End = pcommon.Timestamp(start), pcommon.Timestamp(end)
}

func (e *Event) checkLengths() error {
	if max(len(e.Kind), len(e.App), len(e.Session), len(e.View), len(e.ID)) > MaxIDBytes {
		return errIDTooLong
	}
	for _, id := range e.Actions {
		if len(id) > MaxIDBytes {
			return errIDTooLong
		}
	}
	return nil
}

// Cause is the id of the action the SDK names as the event's cause, or "".
func (e *Event) Cause() string {
	if len(e.Actions) == 0 {
		return ""
	}
	return e.Actions[len(e.Actions)-1]
}

// Failed reports whether the event is a request that got no answer: the server
// was not reached, or the browser withheld what it said. SDKs erase the ids of
// such requests, and keep those of requests that the page itself gave up.
func (e *Event) Failed() bool {
	if e.Kind != TypeResource || e.HasIDs() {
		return false
	}
	status, ok := e.Doc.Integer(e.Doc.Child(e.Doc.Body(), "status_code"))
	return ok && status == 0
}

// Text returns the string at a path below the event, or "".
func (e *Event) Text(path ...string) string { return e.Doc.Text(e.Doc.At(path...)) }

// Environment returns the value of env in the event's ddtags, "" when there is none.
func (e *Event) Environment() string {
	for tag := range strings.SplitSeq(e.Text("ddtags"), ",") {
		if value, ok := strings.CutPrefix(tag, "env:"); ok {
			return value
		}
	}
	return ""
}
