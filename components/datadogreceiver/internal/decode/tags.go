package decode

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Some tracers write span links and span events as JSON into tags. They are read without a tree in between, their attributes
// collected in d.linked, because a list of pdata should be made in its right size.

// linksFromJSON adds the links of the tag `_dd.span_links`, unless the span has them natively. A text that is no list of links
// stays an attribute.
func (d *Decoder) linksFromJSON(out ptrace.SpanLinkSlice) {
	text := d.span.linksJSON
	if text == noSym {
		return
	}
	var skip map[linkKey]struct{}
	if native := out.Len(); native > 0 {
		skip = make(map[linkKey]struct{}, native)
		for _, l := range out.All() {
			skip[linkKey{traceID: l.TraceID(), spanID: l.SpanID()}] = struct{}{}
		}
	}
	t := d.openJSON(text, &d.linksTape)
	for t.open('['); t.element(); {
		d.jsonLink(t, out, skip)
	}
	t.end()
	if t.bad || t.next() != 0 {
		d.stats.BadLinks++
		d.set(strAttr(kLinksJSON, text))
	}
}

// eventsFromJSON adds the events of the tag `events`, unless the span has them natively. A text that is no list of events stays an
// attribute.
func (d *Decoder) eventsFromJSON(out ptrace.SpanEventSlice) {
	text := d.span.eventsJSON
	if text == noSym {
		return
	}
	var skip map[eventKey]struct{}
	if native := out.Len(); native > 0 {
		skip = make(map[eventKey]struct{}, native)
		for _, e := range out.All() {
			skip[eventKey{time: e.Timestamp(), name: e.Name()}] = struct{}{}
		}
	}
	// Most often there is one, and an exception to follow.
	out.EnsureCapacity(2)
	t := d.openJSON(text, &d.eventsTape)
	for t.open('['); t.element(); {
		d.jsonEvent(t, out, skip)
	}
	t.end()
	if t.bad || t.next() != 0 {
		d.stats.BadEvents++
		d.set(strAttr(kEventsJSON, text))
	}
}

// openJSON begins to read a tag. It is bad when the spans of this payload refer to more JSON than they can have been meant to.
func (d *Decoder) openJSON(text sym, tape *jsonTape) *jsonReader {
	d.linked, d.listItems = d.linked[:0], d.listItems[:0]
	in := d.syms.text(text)
	d.jsonBudget -= len(in)
	d.tags.begin(tape, in)
	d.tags.bad = d.jsonBudget < 0
	return &d.tags
}

func (d *Decoder) jsonLink(t *jsonReader, out ptrace.SpanLinkSlice, skip map[linkKey]struct{}) {
	if t.next() != '{' {
		d.stats.BadLinks++
		t.skip()
		return
	}
	var l link
	attrs := len(d.linked)
	t.open('{')
	for name, ok := d.jsonField(t); ok; name, ok = d.jsonField(t) {
		switch name {
		case kTraceID:
			high, low := t.id()
			if high != 0 {
				l.high = high
			}
			l.low = low
		case kTraceIDHigh:
			_, l.high = t.id()
		case kSpanID:
			_, l.spanID = t.id()
		case kFlags:
			_, l.flags = t.id()
		case kTracestate:
			l.state = d.jsonString(t)
		case kAttributes:
			d.jsonAttributes(t)
		default:
			t.skip()
		}
	}
	if t.bad {
		return
	}
	if _, ok := skip[linkKey{traceID: ddcontext.JoinTraceID(l.high, l.low), spanID: ddcontext.SpanID(l.spanID)}]; ok {
		d.linked = d.linked[:attrs]
		return
	}
	d.addLink(out, l, attrs)
}

func (d *Decoder) jsonEvent(t *jsonReader, out ptrace.SpanEventSlice, skip map[eventKey]struct{}) {
	if t.next() != '{' {
		d.stats.BadEvents++
		t.skip()
		return
	}
	var when uint64
	var name sym
	attrs := len(d.linked)
	t.open('{')
	for field, ok := d.jsonField(t); ok; field, ok = d.jsonField(t) {
		switch field {
		case kTimeUnixNano:
			_, when = t.id()
		case kName:
			name = d.jsonString(t)
		case kAttributes:
			d.jsonAttributes(t)
		default:
			t.skip()
		}
	}
	if t.bad {
		return
	}
	if _, ok := skip[eventKey{time: pcommon.Timestamp(when), name: d.syms.text(name)}]; ok {
		d.linked = d.linked[:attrs]
		return
	}
	d.addEvent(out, when, name, attrs)
}

// jsonAttributes collects an object in d.linked. What is no object is skipped.
func (d *Decoder) jsonAttributes(t *jsonReader) {
	if t.next() != '{' {
		t.skip()
		return
	}
	t.open('{')
	for name, ok := d.jsonField(t); ok; name, ok = d.jsonField(t) {
		a := attr{key: name}
		switch t.next() {
		case '[':
			d.jsonList(t, &a)
		case '{':
			t.nested(&a)
		default:
			a.kind, a.number = d.jsonScalar(t)
		}
		d.linked = append(grow(d.linked), a)
	}
}

func (d *Decoder) newScalar(t *jsonReader) (attrKind, uint64) {
	switch t.next() {
	case '"':
		return attrStr, uint64(d.syms.internText(t.string()))
	case 't':
		t.skip()
		return attrBool, 1
	case 'f':
		t.skip()
		return attrBool, 0
	case 'n':
		t.skip()
		return attrNone, 0
	}
	n := t.number()
	if i, ok := n.int(); ok {
		return attrInt, uint64(i)
	}
	f, err := strconv.ParseFloat(n.text, 64)
	t.bad = t.bad || err != nil
	return attrFloat, math.Float64bits(f)
}

// jsonList collects a list of scalars in d.listItems. One that is more is read as a whole, later.
func (d *Decoder) jsonList(t *jsonReader, a *attr) {
	start, from := t.pos, len(d.listItems)
	for t.open('['); t.element(); {
		if c := t.next(); c == '[' || c == '{' {
			t.pos, d.listItems = start, d.listItems[:from]
			t.nested(a)
			return
		}
		var item attr
		item.kind, item.number = d.jsonScalar(t)
		d.listItems = append(grow(d.listItems), item)
	}
	a.kind, a.number = attrList, uint64(from)<<32|uint64(len(d.listItems))
}

// putList writes a list that was collected.
func (d *Decoder) putList(span uint64, to pcommon.Value) {
	items := d.listItems[span>>32 : uint32(span)]
	list := to.SetEmptySlice()
	list.EnsureCapacity(len(items))
	for _, item := range items {
		d.put(item, list.AppendEmpty())
	}
}

// jsonString reads a string. What is none is skipped, and empty.
func (d *Decoder) jsonString(t *jsonReader) sym {
	if t.next() != '"' {
		t.skip()
		return noSym
	}
	_, text := d.jsonScalar(t)
	return sym(text)
}

// putJSON writes the list or object that a text has from start to end.
func (d *Decoder) putJSON(span uint64, to pcommon.Value) {
	out, err := appendJSON(d.json[:0], d.tags.in[span>>32:uint32(span)])
	if err != nil {
		// It was read once already; only its depth can be too large here.
		d.stats.BadAttributes++
		return
	}
	d.json = out
	r := msgpack.Reader{Buf: out}
	if d.readValue(&r, to, 0) != nil {
		d.stats.BadAttributes++
	}
}
