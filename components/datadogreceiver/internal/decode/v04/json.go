package v04

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/json"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// IsJSON tells JSON from MessagePack by its first byte: every trace payload is an array or a map, and MessagePack's begin otherwise.
func IsJSON(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\n', '\r':
		case '[', '{':
			return true
		default:
			return false
		}
	}
	return false
}

// JSONTraces is Traces for JSON.
func JSONTraces(body []byte, to *sink.Sink) error {
	r := newJSON(body, to)
	for r.Array(); r.Element(); {
		if err := r.chunk(); err != nil {
			return err
		}
	}
	return r.End()
}

// JSONSpans reads a flat array of spans, as v0.1 has it, into one chunk.
func JSONSpans(body []byte, to *sink.Sink) error {
	r := newJSON(body, to)
	if err := r.chunk(); err != nil {
		return err
	}
	return r.End()
}

// jsonReader reads the fields that reader reads, as tolerant of types: null is nothing, a boolean may be a number.
type jsonReader struct {
	json.Reader
	to *sink.Sink
}

func newJSON(body []byte, to *sink.Sink) *jsonReader {
	r := &jsonReader{to: to}
	r.AllowControl = true
	r.Reset(string(body))
	return r
}

func (r *jsonReader) chunk() error {
	r.to.BeginChunk()
	switch r.Kind() {
	case json.Array:
		for r.Array(); r.Element(); {
			if err := r.span(); err != nil {
				return err
			}
		}
	case json.Null:
		r.Skip()
	default:
		r.to.Drop(sink.DropMalformed, "a chunk is no list of spans")
		r.Skip()
	}
	r.to.EndChunk()
	return r.Err()
}

func (r *jsonReader) span() error {
	switch r.Kind() {
	case json.Object:
	case json.Null:
		r.to.Drop(sink.DropNil, "a span is nil")
		r.Skip()
		return r.Err()
	default:
		r.to.Drop(sink.DropMalformed, "a span is no map")
		r.Skip()
		return r.Err()
	}
	r.to.BeginSpan()
	for r.Object(); r.Field(); {
		r.field(r.Name())
	}
	if r.Err() != nil {
		return r.Err()
	}
	return r.to.EndSpan()
}

func (r *jsonReader) field(name string) {
	span := &r.to.Span
	ok := true
	switch name {
	case "service":
		span.Service, ok = r.text()
	case "name":
		span.Name, ok = r.text()
	case "resource":
		span.Resource, ok = r.text()
	case "type":
		span.Type, ok = r.text()
	case "trace_id":
		span.TraceID, ok = r.integer()
	case "span_id":
		span.SpanID, ok = r.integer()
	case "parent_id":
		span.ParentID, ok = r.integer()
	case "start":
		var start uint64
		start, ok = r.integer()
		span.Start = uint64(max(0, int64(start)))
	case "duration":
		var duration uint64
		duration, ok = r.integer()
		span.Duration = int64(duration)
	case "error":
		var failed float64
		failed, ok = r.number()
		span.Failed = failed != 0
	case "meta":
		ok = r.tags(r.metaValue)
	case "metrics":
		ok = r.tags(r.metricValue)
	case "meta_struct":
		ok = r.tags(r.structValue)
	case "span_links":
		r.to.NativeLinks()
		ok = r.list(func() { r.to.Related.ReadLinks(&r.Reader, 0) })
	case "span_events":
		r.to.NativeEvents()
		ok = r.list(func() { r.to.Related.ReadEvents(&r.Reader, 0, typedJSON) })
	default:
		r.Skip()
	}
	if !ok {
		r.to.Bad("field " + name + " has a value of an unexpected type")
	}
}

// text reads a string or null. Anything else is skipped, and false.
func (r *jsonReader) text() (intern.Sym, bool) {
	switch r.Kind() {
	case json.String:
		return r.to.Values.Bytes([]byte(r.String())), true
	case json.Null:
		r.Null()
		return intern.Empty, true
	}
	r.Skip()
	return intern.Empty, false
}

// integer reads a whole number as 64 bits, signed or not, or null. Anything else is skipped, and false.
func (r *jsonReader) integer() (uint64, bool) {
	switch r.Kind() {
	case json.Number:
	case json.Null:
		r.Null()
		return 0, true
	default:
		r.Skip()
		return 0, false
	}
	n := r.Number()
	if v, ok := n.Uint64(); ok {
		return v, true
	}
	if v, ok := n.Int64(); ok {
		return uint64(v), true
	}
	f, ok := n.Float64()
	if !ok || f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, false
	}
	return uint64(int64(f)), true
}

// number reads a number, a boolean or null. Anything else is skipped, and false.
func (r *jsonReader) number() (float64, bool) {
	switch r.Kind() {
	case json.Number:
		return r.Number().Float64()
	case json.True, json.False:
		if r.Bool() {
			return 1, true
		}
		return 0, true
	case json.Null:
		r.Null()
		return 0, true
	}
	r.Skip()
	return 0, false
}

// list calls read if an array comes next. Null is nothing. Anything else is skipped, and false.
func (r *jsonReader) list(read func()) bool {
	switch r.Kind() {
	case json.Array:
		read()
	case json.Null:
		r.Null()
	default:
		r.Skip()
		return false
	}
	return true
}

// tags reads an object whose values value reads. A value that is something else costs the span.
func (r *jsonReader) tags(value func(key intern.Sym) (translate.Attr, bool)) bool {
	switch r.Kind() {
	case json.Object:
	case json.Null:
		r.Null()
		return true
	default:
		r.Skip()
		return false
	}
	for r.Object(); r.Field(); {
		key := r.to.Values.Bytes([]byte(r.Name()))
		if a, ok := value(key); ok {
			r.to.Add(a)
		} else {
			r.to.Bad("a tag has a value of an unexpected type")
		}
	}
	return true
}

// metaValue reads a text. A number or boolean becomes one: some tracers write them so.
func (r *jsonReader) metaValue(key intern.Sym) (translate.Attr, bool) {
	switch r.Kind() {
	case json.Number, json.True, json.False:
		return translate.StringAttr(key, r.to.Values.Text(r.Raw())), true
	}
	value, ok := r.text()
	return translate.StringAttr(key, value), ok
}

func (r *jsonReader) metricValue(key intern.Sym) (translate.Attr, bool) {
	switch r.Kind() {
	case json.True, json.False:
		r.Skip()
		return translate.Attr{}, false
	}
	f, ok := r.number()
	return translate.FloatAttr(key, f), ok
}

func (r *jsonReader) structValue(key intern.Sym) (translate.Attr, bool) {
	if r.Kind() != json.String {
		r.Skip()
		return translate.Attr{}, false
	}
	return r.to.Values.BytesAttr(key, []byte(r.String())), true
}

// typedJSON reads the value of an attribute of a native span event, as typedValue does.
func typedJSON(in *json.Reader, values *translate.Values) translate.Attr {
	if in.Kind() != json.Object {
		return translate.ReadValue(in, values)
	}
	var places [numTypes]int
	typ := uint64(numTypes)
	for in.Object(); in.Field(); {
		if in.Name() == "type" && in.Kind() == json.Number {
			if v, ok := in.Number().Uint64(); ok {
				typ = v
			}
			continue
		}
		if t, ok := typedFields[in.Name()]; ok {
			places[t] = in.Pos()
		}
		in.Skip()
	}
	if typ >= numTypes || places[typ] == 0 {
		return translate.Attr{}
	}
	end := in.Pos()
	in.Seek(places[typ])
	var a translate.Attr
	if typ == typeList {
		a = typedJSONList(in, values)
	} else {
		a = translate.ReadValue(in, values)
	}
	in.Seek(end)
	return a
}

// typedJSONList reads `{"values": [{"type": 0, ...}, ...]}`.
func typedJSONList(in *json.Reader, values *translate.Values) translate.Attr {
	value := pcommon.NewValueEmpty()
	list := value.SetEmptySlice()
	if in.Kind() != json.Object {
		in.Skip()
		return values.Nested(intern.Empty, value)
	}
	for in.Object(); in.Field(); {
		if in.Name() != "values" || in.Kind() != json.Array {
			in.Skip()
			continue
		}
		for in.Array(); in.Element(); {
			values.Put(typedJSON(in, values), list.AppendEmpty())
		}
	}
	return values.Nested(intern.Empty, value)
}
