package translate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/json"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Some tracers write span links and span events as JSON into tags. In v0.3 and before, whole spans may be JSON: the same functions
// read their links and events.

// linksOf reads the links in a tag, but for those the span has already. It reports whether the text was a list of links, all of
// them readable.
func (r *Related) linksOf(text string, reader *textReader) bool {
	native := r.span.Links().Len()
	reader.Reset(text)
	ok := r.ReadLinks(&reader.Reader, native)
	if reader.End() != nil {
		r.bad.BadLinks++
		return false
	}
	return ok
}

// eventsOf reads the events in a tag, but for those the span has already. It reports whether the text was a list of events, all of
// them readable.
func (r *Related) eventsOf(text string, reader *textReader) bool {
	native := r.span.Events().Len()
	reader.Reset(text)
	ok := r.ReadEvents(&reader.Reader, native, ReadValue)
	if reader.End() != nil {
		r.bad.BadEvents++
		return false
	}
	return ok
}

// maxCompared bounds the links or events a span may have natively and as a text too, which are compared with each other.
const maxCompared = 128

// ReadLinks reads an array of links but for those among the first known ones, and reports whether each could be read.
func (r *Related) ReadLinks(in *json.Reader, known int) (ok bool) {
	ok, known = true, min(known, maxCompared)
	for in.Array(); in.Element(); {
		if in.Kind() != json.Object {
			r.bad.BadLinks++
			ok = false
			in.Skip()
			continue
		}
		ok = r.readLink(in, known) && ok
	}
	return ok
}

func (r *Related) readLink(in *json.Reader, known int) bool {
	var l Link
	r.Begin()
	for in.Object(); in.Field(); {
		switch in.Name() {
		case "trace_id":
			high, low := readID(in)
			if high != 0 {
				l.High = high
			}
			l.Low = low
		case "trace_id_high":
			_, l.High = readID(in)
		case "span_id":
			_, l.SpanID = readID(in)
		case "flags":
			_, l.Flags = readID(in)
		case "tracestate":
			l.State = r.values.Text(readText(in))
		case "attributes":
			r.readAttributes(in, ReadValue)
		default:
			in.Skip()
		}
	}
	if in.Err() != nil {
		return false
	}
	if r.hasLink(l, known) {
		return true
	}
	return r.Link(l)
}

// ReadEvents reads an array of events but for those among the first known ones, and reports whether each could be read. value reads
// the value of an attribute.
func (r *Related) ReadEvents(in *json.Reader, known int, value func(*json.Reader, *Values) Attr) (ok bool) {
	ok, known = true, min(known, maxCompared)
	for in.Array(); in.Element(); {
		if in.Kind() != json.Object {
			r.bad.BadEvents++
			ok = false
			in.Skip()
			continue
		}
		ok = r.readEvent(in, known, value) && ok
	}
	return ok
}

func (r *Related) readEvent(in *json.Reader, known int, value func(*json.Reader, *Values) Attr) bool {
	var when uint64
	var name intern.Sym
	r.Begin()
	for in.Object(); in.Field(); {
		switch in.Name() {
		case "time_unix_nano":
			when = readInteger(in)
		case "name":
			name = r.values.Text(readText(in))
		case "attributes":
			r.readAttributes(in, value)
		default:
			in.Skip()
		}
	}
	if in.Err() != nil {
		return false
	}
	if r.hasEvent(when, r.values.String(name), known) {
		return true
	}
	return r.Event(when, name)
}

// readAttributes takes the fields of an object as attributes. Anything else is skipped.
func (r *Related) readAttributes(in *json.Reader, value func(*json.Reader, *Values) Attr) {
	if in.Kind() != json.Object {
		in.Skip()
		return
	}
	for in.Object(); in.Field(); {
		key := r.values.Text(in.Name())
		a := value(in, r.values)
		a.Key = key
		r.Attr(a)
	}
}

// readID reads an id as a number or as text. What is neither is 0.
func readID(in *json.Reader) (high, low uint64) {
	if in.Kind() == json.String {
		high, low, _ = ParseID(in.String())
		return high, low
	}
	return 0, readInteger(in)
}

// readInteger reads a whole number that is not negative, as a number or in decimal digits. What is neither is 0.
func readInteger(in *json.Reader) uint64 {
	var n json.Num
	switch in.Kind() {
	case json.Number:
		n = in.Number()
	case json.String:
		n = json.Num(in.String())
	default:
		in.Skip()
	}
	if v, ok := n.Uint64(); ok {
		return v
	}
	return 0
}

// readText reads a string. What is none is skipped, and empty.
func readText(in *json.Reader) string {
	if in.Kind() == json.String {
		return in.String()
	}
	in.Skip()
	return ""
}

// ReadValue reads a value of any kind as an attribute without a name. A number that is too large ends the reading.
func ReadValue(in *json.Reader, values *Values) Attr {
	switch in.Kind() {
	case json.String:
		return StringAttr(intern.Empty, values.Text(in.String()))
	case json.False, json.True:
		return BoolAttr(intern.Empty, in.Bool())
	case json.Number:
		n := in.Number()
		if i, ok := n.Int64(); ok {
			return IntAttr(intern.Empty, i)
		}
		f, ok := n.Float64()
		if !ok {
			in.Fail()
		}
		return FloatAttr(intern.Empty, f)
	case json.Array, json.Object:
		value := pcommon.NewValueEmpty()
		readInto(in, values, value)
		return values.Nested(intern.Empty, value)
	}
	in.Skip()
	return Attr{}
}

// readInto is ReadValue for the elements of arrays and objects.
func readInto(in *json.Reader, values *Values, to pcommon.Value) {
	switch in.Kind() {
	case json.Array:
		list := to.SetEmptySlice()
		for in.Array(); in.Element(); {
			readInto(in, values, list.AppendEmpty())
		}
	case json.Object:
		var b xpdata.MapBuilder
		for in.Object(); in.Field(); {
			key := values.Text(in.Name())
			readInto(in, values, b.AppendEmpty(values.String(key)))
		}
		b.UnsafeIntoMap(to.SetEmptyMap())
		KeepLast(to.Map())
	default:
		values.Put(ReadValue(in, values), to)
	}
}
