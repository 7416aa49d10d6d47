package datadogrumreceiver

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

const maxIDBytes = 128

// places are the nodes of what the receiver needs to know of an event: they are
// looked up once for all events of one shape. Any may be none.
type places struct {
	kind     string // the event's type, "" when it has none
	typ      int    // the node that says so
	date     int
	app      int // application.id
	session  int // session.id
	view     int // view.id
	source   int
	action   int // action.id
	body     int // the member called like the type
	id       int // the event's own
	duration int
	dd       int                // _dd
	trace    int                // _dd.trace_id
	span     int                // _dd.span_id
	parent   int                // _dd.parent_span_id
	envelope [envelopeSlots]int // what describes the app and the device
}

func placesOf(doc jsonDoc) places {
	p := places{
		typ: doc.at("type"), date: doc.at("date"), app: doc.at("application", "id"), session: doc.at("session", "id"), view: doc.at("view", "id"),
		source: doc.at("source"), action: doc.at("action", "id"),
		dd: doc.at("_dd"), trace: doc.at("_dd", "trace_id"), span: doc.at("_dd", "span_id"), parent: doc.at("_dd", "parent_span_id"),
	}
	if p.dd >= 0 && doc.values[p.dd].kind != jsonObject {
		p.dd = none
	}
	p.kind = doc.text(p.typ)
	p.body = doc.at(p.kind)
	p.id = doc.child(p.body, "id")
	p.duration = none
	switch p.kind {
	case "resource":
		p.duration = doc.child(p.body, "duration")
	case "action":
		p.duration = doc.child(p.body, "loading_time")
	}
	for slot := range p.envelope {
		p.envelope[slot] = none
	}
	p.describe(doc, 0, resourceSlot)
	p.describe(doc, p.dd, internalSlot)
	return p
}

// describe finds the members of object i that have a slot in the envelope.
func (p *places) describe(doc jsonDoc, i int, slotOf func(string) int) {
	for j := range doc.members(i) {
		if slot := slotOf(doc.nodes[j].key); slot >= 0 {
			p.envelope[slot] = j
		}
	}
}

// event is what the receiver needs to know of one line before it writes it.
// Its strings are parts of the request's body, or of one like it.
type event struct {
	doc  jsonDoc
	line string

	kind    string // type
	app     string // application.id
	session string // session.id
	view    string // view.id
	source  string
	id      string // id of the event itself, "" when it has none

	rawDate int64 // ms since 1970, as the device said
	start   pcommon.Timestamp
	end     pcommon.Timestamp

	trace   pcommon.TraceID
	span    pcommon.SpanID
	parent  pcommon.SpanID // a native span that was active, usually none
	hasIDs  bool
	actions []string // ids of the actions the event is a child of; the last is the cause
}

// read fills e from doc, which was read from line. The device's clock is off by shift.
func (e *event) read(doc jsonDoc, line string, shift time.Duration) error {
	*e = event{doc: doc, line: line, kind: doc.kind, actions: e.actions[:0]}
	if doc.values[0].kind != jsonObject {
		return errNotObject
	}
	if e.kind == "" {
		return errNoType
	}
	e.app, e.session, e.view = doc.text(doc.app), doc.text(doc.session), doc.text(doc.view)
	e.source, e.id = doc.text(doc.source), doc.text(doc.id)
	var dateOK bool
	e.rawDate, dateOK = doc.integer(doc.date)
	const maxDate = 9_223_372_036_854 // ms that fit in int64 as ns
	switch {
	case !dateOK || e.rawDate <= 0 || e.rawDate > maxDate:
		return errNoDate
	case e.app == "":
		return errNoApplication
	}
	if e.id == "" && e.kind == "action" {
		// The id decides the span's; without one the line itself does, so that a retry is the same action.
		sum := sha256.Sum256([]byte(line))
		e.id = hex.EncodeToString(sum[:16])
	}
	e.readIDs()
	e.readActions()
	e.readTimes(shift)
	return e.checkLengths()
}

func (e *event) readIDs() {
	doc := &e.doc
	var traceOK, spanOK bool
	e.trace, traceOK = parseTraceID(doc.idText(doc.trace))
	e.span, spanOK = parseSpanID(doc.idText(doc.span))
	e.parent, _ = parseSpanID(doc.idText(doc.parent))
	e.hasIDs = traceOK && spanOK
}

// readActions reads action.id of a child event: a list in browsers, manual
// actions first and the click last, a string on mobile.
func (e *event) readActions() {
	doc, list := &e.doc, e.doc.action
	if list < 0 || e.kind == "action" {
		return
	}
	if id := doc.text(list); id != "" {
		e.actions = append(e.actions, id)
		return
	}
	if doc.values[list].kind != jsonArray {
		return
	}
	for i := range doc.children(list) {
		if id := doc.text(i); id != "" && len(e.actions) < maxLinkedActions {
			e.actions = append(e.actions, id)
		}
	}
}

// maxLinkedActions bounds the links of one span; a browser lists the running
// manual actions and one click.
const maxLinkedActions = 16

// readTimes sets start and end. What an SDK measures is in nanoseconds, what
// its clock shows in milliseconds.
func (e *event) readTimes(shift time.Duration) {
	start := max(e.rawDate*int64(time.Millisecond)+int64(shift), 0)
	duration, _ := e.doc.integer(e.doc.duration)
	end := start + max(duration, 0)
	if end < start { // overflow
		end = start
	}
	e.start, e.end = pcommon.Timestamp(start), pcommon.Timestamp(end) //nolint:gosec // not negative
}

func (e *event) checkLengths() error {
	if max(len(e.kind), len(e.app), len(e.session), len(e.view), len(e.id)) > maxIDBytes {
		return errIDTooLong
	}
	for _, id := range e.actions {
		if len(id) > maxIDBytes {
			return errIDTooLong
		}
	}
	return nil
}

// cause is the id of the action the SDK names as the event's cause, or "".
func (e *event) cause() string {
	if len(e.actions) == 0 {
		return ""
	}
	return e.actions[len(e.actions)-1]
}

// text returns the string at a path below the event, or "".
func (e *event) text(path ...string) string { return e.doc.text(e.doc.at(path...)) }

// environment returns the value of env in ddtags, "" when there is none.
func environment(ddtags string) string {
	for tag := range strings.SplitSeq(ddtags, ",") {
		if value, ok := strings.CutPrefix(tag, "env:"); ok {
			return value
		}
	}
	return ""
}
