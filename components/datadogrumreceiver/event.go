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

// event is what the receiver needs to know of one line before it writes it.
// Its strings are parts of the request's body.
type event struct {
	doc  *jsonDoc
	root int
	line string

	kind    string // type
	app     string // application.id
	session string // session.id
	view    string // view.id
	source  string
	id      string // id of the event itself, "" when it has none
	body    int    // node of the member called like the type, or -1
	dd      int    // node of _dd, or -1

	rawDate int64 // ms since 1970, as the device said
	start   pcommon.Timestamp
	end     pcommon.Timestamp

	trace   pcommon.TraceID
	span    pcommon.SpanID
	parent  pcommon.SpanID // a native span that was active, usually none
	hasIDs  bool
	actions []string // ids of the actions the event is a child of; the last is the cause

	envelope [envelopeSlots]int32 // nodes of what describes the app and the device; 0 is none
}

// read fills e from the event at root. The device's clock is off by shift.
func (e *event) read(doc *jsonDoc, root int, line string, shift time.Duration) error {
	*e = event{doc: doc, root: root, line: line, body: -1, dd: -1, actions: e.actions[:0]}
	if doc.nodes[root].kind != jsonObject {
		return errNotObject
	}
	e.kind = doc.text(doc.child(root, "type"))
	if e.kind == "" {
		return errNoType
	}
	action := -1
	var dateOK bool
	for i := int(doc.nodes[root].first); i < int(doc.nodes[root].end); i = int(doc.nodes[i].next) {
		n := &doc.nodes[i]
		switch n.key {
		case "date":
			e.rawDate, dateOK = doc.integer(i)
		case "application":
			e.app = doc.text(doc.child(i, "id"))
		case "session":
			e.session = doc.text(doc.child(i, "id"))
		case "view":
			e.view = doc.text(doc.child(i, "id"))
		case "source":
			e.source = doc.text(i)
		case "action":
			action = i
		case "_dd":
			e.dd = i
			e.readInternals(i)
		}
		if n.key == e.kind {
			e.body = i
			e.id = doc.text(doc.child(i, "id"))
		}
		if slot := resourceSlot(n.key); slot >= 0 {
			e.envelope[slot] = int32(i) //nolint:gosec // arena indices
		}
	}
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
	e.readActions(action)
	e.readTimes(shift)
	return e.checkLengths()
}

func (e *event) readInternals(dd int) {
	doc := e.doc
	var traceOK, spanOK bool
	for i := int(doc.nodes[dd].first); i < int(doc.nodes[dd].end); i = int(doc.nodes[i].next) {
		n := &doc.nodes[i]
		switch n.key {
		case "trace_id":
			e.trace, traceOK = parseTraceID(doc.idText(i))
		case "span_id":
			e.span, spanOK = parseSpanID(doc.idText(i))
		case "parent_span_id":
			e.parent, _ = parseSpanID(doc.idText(i))
		}
		if slot := internalSlot(n.key); slot >= 0 {
			e.envelope[slot] = int32(i) //nolint:gosec // arena indices
		}
	}
	e.hasIDs = traceOK && spanOK
}

// readActions reads action.id of a child event: a list in browsers, manual
// actions first and the click last, a string on mobile.
func (e *event) readActions(action int) {
	if action < 0 || e.kind == "action" {
		return
	}
	id := e.doc.child(action, "id")
	if id < 0 {
		return
	}
	if s := e.doc.text(id); s != "" {
		e.actions = append(e.actions, s)
		return
	}
	if e.doc.nodes[id].kind != jsonArray {
		return
	}
	for i := int(e.doc.nodes[id].first); i < int(e.doc.nodes[id].end) && len(e.actions) < maxLinkedActions; i = int(e.doc.nodes[i].next) {
		if s := e.doc.text(i); s != "" {
			e.actions = append(e.actions, s)
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
	duration := int64(0)
	switch e.kind {
	case "resource":
		duration, _ = e.doc.integer(e.doc.child(e.body, "duration"))
	case "action":
		duration, _ = e.doc.integer(e.doc.child(e.body, "loading_time"))
	}
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

// text returns the string at a path below the event's root, or "".
func (e *event) text(path ...string) string { return e.doc.text(e.at(path...)) }

func (e *event) at(path ...string) int {
	i := e.root
	for _, key := range path {
		i = e.doc.child(i, key)
	}
	return i
}

// environment returns the value of env in ddtags, "" when there is none.
func environment(ddtags string) string {
	for tag := range strings.SplitSeq(ddtags, ",") {
		if value, ok := strings.CutPrefix(tag, "env:"); ok {
			return value
		}
	}
	return ""
}
