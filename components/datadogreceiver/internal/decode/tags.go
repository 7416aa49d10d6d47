package decode

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
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
	if t, ok := d.openJSON(text); !ok || !t.array(func() bool { return d.jsonLink(t, out, skip) }) || t.next() != 0 {
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
	if t, ok := d.openJSON(text); !ok || !t.array(func() bool { return d.jsonEvent(t, out, skip) }) || t.next() != 0 {
		d.stats.BadEvents++
		d.set(strAttr(kEventsJSON, text))
	}
}

// openJSON begins to read a tag. False: the spans of this payload refer to more JSON than they can have been meant to.
func (d *Decoder) openJSON(text sym) (*jsonReader, bool) {
	d.linked, d.listItems = d.linked[:0], d.listItems[:0]
	in := d.syms.text(text)
	d.jsonBudget -= len(in)
	d.tags = jsonReader{in: in, out: d.tags.out}
	return &d.tags, d.jsonBudget >= 0
}

func (d *Decoder) jsonLink(t *jsonReader, out ptrace.SpanLinkSlice, skip map[linkKey]struct{}) bool {
	if t.next() != '{' {
		d.stats.BadLinks++
		return t.skip()
	}
	var l link
	attrs := len(d.linked)
	if !t.object(func(name string) bool {
		switch name {
		case "trace_id":
			high, low, ok := t.id()
			if high != 0 {
				l.high = high
			}
			l.low = low
			return ok
		case "trace_id_high":
			_, high, ok := t.id()
			l.high = high
			return ok
		case "span_id":
			_, spanID, ok := t.id()
			l.spanID = spanID
			return ok
		case "flags":
			_, flags, ok := t.id()
			l.flags = flags
			return ok
		case "tracestate":
			if t.next() == '"' {
				state, ok := d.jsonString(t)
				l.state = state
				return ok
			}
		case "attributes":
			return d.jsonAttributes(t)
		}
		return t.skip()
	}) {
		return false
	}
	if _, ok := skip[linkKey{traceID: ddcontext.JoinTraceID(l.high, l.low), spanID: ddcontext.SpanID(l.spanID)}]; ok {
		d.linked = d.linked[:attrs]
		return true
	}
	d.addLink(out, l, attrs)
	return true
}

func (d *Decoder) jsonEvent(t *jsonReader, out ptrace.SpanEventSlice, skip map[eventKey]struct{}) bool {
	if t.next() != '{' {
		d.stats.BadEvents++
		return t.skip()
	}
	var when uint64
	var name sym
	attrs := len(d.linked)
	if !t.object(func(field string) bool {
		switch field {
		case "time_unix_nano":
			_, nanos, ok := t.id()
			when = nanos
			return ok
		case "name":
			if t.next() == '"' {
				text, ok := d.jsonString(t)
				name = text
				return ok
			}
		case "attributes":
			return d.jsonAttributes(t)
		}
		return t.skip()
	}) {
		return false
	}
	if _, ok := skip[eventKey{time: pcommon.Timestamp(when), name: d.syms.text(name)}]; ok {
		d.linked = d.linked[:attrs]
		return true
	}
	d.addEvent(out, when, name, attrs)
	return true
}

// jsonAttributes collects an object in d.linked. What is no object is skipped.
func (d *Decoder) jsonAttributes(t *jsonReader) bool {
	if t.next() != '{' {
		return t.skip()
	}
	return t.object(func(name string) bool {
		a := attr{key: d.syms.internText(name)}
		ok := true
		switch t.next() {
		case '[':
			ok = d.jsonList(t, &a)
		case '{':
			ok = t.nested(&a)
		default:
			ok = d.jsonScalar(t, &a)
		}
		d.linked = append(grow(d.linked), a)
		return ok
	})
}

// jsonScalar reads what is neither list nor map.
func (d *Decoder) jsonScalar(t *jsonReader, a *attr) (ok bool) {
	switch t.next() {
	case '"':
		a.kind = attrStr
		text, ok := d.jsonString(t)
		a.number = uint64(text)
		return ok
	case 't':
		a.kind, a.number = attrBool, 1
		return t.skip()
	case 'f':
		a.kind = attrBool
		return t.skip()
	case 'n':
		a.kind = attrNone
		return t.skip()
	}
	n, ok := t.number()
	if !ok {
		return false
	}
	if i, ok := n.int(); ok {
		a.kind, a.number = attrInt, uint64(i)
		return true
	}
	f, err := strconv.ParseFloat(n.text, 64)
	a.kind, a.number = attrFloat, math.Float64bits(f)
	return err == nil
}

// jsonList collects a list of scalars in d.listItems. One that is more is read as a whole, later.
func (d *Decoder) jsonList(t *jsonReader, a *attr) bool {
	start, from := t.pos, len(d.listItems)
	deep := false
	ok := t.array(func() bool {
		if c := t.next(); c == '[' || c == '{' {
			deep = true
			return false
		}
		var item attr
		if !d.jsonScalar(t, &item) {
			return false
		}
		d.listItems = append(grow(d.listItems), item)
		return true
	})
	if deep {
		t.pos, d.listItems = start, d.listItems[:from]
		return t.nested(a)
	}
	a.kind, a.number = attrList, uint64(from)<<32|uint64(len(d.listItems))
	return ok
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

// jsonString reads a string at its quote.
func (d *Decoder) jsonString(t *jsonReader) (sym, bool) {
	text, ok := t.string()
	return d.syms.internText(text), ok
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
