package v04

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// value reads a value of any type as what it is. Integers beyond 63 bits become doubles, extensions nothing.
func (r *reader) value() (translate.Attr, error) {
	switch r.Kind() {
	case msgpack.Str:
		y, err := r.text()
		return translate.StringAttr(intern.Empty, y), err
	case msgpack.Bin:
		b, err := r.Bytes()
		if err != nil {
			return translate.Attr{}, err
		}
		return r.to.Values.BytesAttr(intern.Empty, b), nil
	case msgpack.Bool:
		v, err := r.Bool()
		return translate.BoolAttr(intern.Empty, v), err
	case msgpack.Int, msgpack.Uint:
		n, err := r.Int64()
		if !msgpack.IsType(err) {
			return translate.IntAttr(intern.Empty, n), err
		}
		f, err := r.Float64()
		return translate.FloatAttr(intern.Empty, f), err
	case msgpack.Float:
		f, err := r.Float64()
		return translate.FloatAttr(intern.Empty, f), err
	case msgpack.Array, msgpack.Map:
		// Once without looking: then all lengths inside are known to be true, and space can be made for them.
		at := r.Pos
		if err := r.Skip(); err != nil {
			return translate.Attr{}, err
		}
		r.Pos = at
		value := pcommon.NewValueEmpty()
		err := r.nested(value)
		return r.to.Values.Nested(intern.Empty, value), err
	}
	return translate.Attr{}, r.Skip()
}

// nested reads a list or a map that was skipped once, which bounds its depth.
func (r *reader) nested(to pcommon.Value) error {
	switch r.Kind() {
	case msgpack.Array:
		n, err := r.ArrayLen()
		if err != nil {
			return err
		}
		list := to.SetEmptySlice()
		list.EnsureCapacity(n)
		for range n {
			if err := r.nested(list.AppendEmpty()); err != nil {
				return err
			}
		}
		return nil
	case msgpack.Map:
		return r.nestedMap(to.SetEmptyMap())
	}
	a, err := r.value()
	if err == nil {
		r.to.Values.Put(a, to)
	}
	return err
}

func (r *reader) nestedMap(to pcommon.Map) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	var b xpdata.MapBuilder
	b.EnsureCapacity(n)
	for range n {
		key, err := r.text()
		if msgpack.IsType(err) {
			if err = r.Skip(); err == nil {
				err = r.Skip()
			}
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := r.nested(b.AppendEmpty(r.to.Values.String(key))); err != nil {
			return err
		}
	}
	b.UnsafeIntoMap(to)
	translate.KeepLast(to)
	return nil
}

// Types of the values of native span events.
// https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/span.proto
const (
	typeString = iota
	typeBool
	typeInt
	typeFloat
	typeList
	numTypes
)

// typedFields are the fields that hold the values of the types.
var typedFields = map[string]int{"string_value": typeString, "bool_value": typeBool, "int_value": typeInt, "double_value": typeFloat, "array_value": typeList}

// typedValue reads the value of an attribute of a native span event: a map with its type and a field for it. What is no map is read
// as what it is.
func (r *reader) typedValue() (a translate.Attr, err error) {
	if r.Kind() != msgpack.Map {
		return r.value()
	}
	typ, at, err := r.typedMap()
	if err != nil || typ < 0 {
		return translate.Attr{}, err
	}
	end := r.Pos
	r.Pos = at
	switch {
	case typ == typeList:
		value := pcommon.NewValueEmpty()
		err = r.typedList(value.SetEmptySlice())
		a = r.to.Values.Nested(intern.Empty, value)
	case typ == typeFloat:
		var f float64
		f, err = r.Float64()
		a = translate.FloatAttr(intern.Empty, f)
	case r.Kind() != msgpack.Map && r.Kind() != msgpack.Array:
		a, err = r.value()
	}
	if msgpack.IsType(err) {
		a, err = translate.Attr{}, nil
	}
	r.Pos = end
	return a, err
}

// typedMap walks over the map and returns the type and where its value is. The type is negative if there is no value of it.
func (r *reader) typedMap() (typ, at int, err error) {
	var places [numTypes]int
	typ = numTypes
	n, err := r.MapLen()
	if err != nil {
		return 0, 0, err
	}
	for range n {
		key, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return 0, 0, err
		}
		if string(key) == "type" {
			if v, err := r.Uint64(); err == nil {
				typ = int(min(v, numTypes))
				continue
			}
		}
		if t, ok := typedFields[string(key)]; ok {
			places[t] = r.Pos
		}
		if err := r.Skip(); err != nil {
			return 0, 0, err
		}
	}
	if typ == numTypes || places[typ] == 0 {
		return -1, 0, nil
	}
	return typ, places[typ], nil
}

// typedList reads `{"values": [{"type": 0, ...}, ...]}`.
func (r *reader) typedList(to pcommon.Slice) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		if string(key) != "values" {
			if err := r.Skip(); err != nil {
				return err
			}
			continue
		}
		values, err := r.ArrayLen()
		if err != nil {
			return err
		}
		to.EnsureCapacity(values)
		for range values {
			a, err := r.element()
			if err != nil {
				return err
			}
			r.to.Values.Put(a, to.AppendEmpty())
		}
	}
	return nil
}

// element reads an element of a typed list, which can't be a list itself.
func (r *reader) element() (translate.Attr, error) {
	if r.Kind() != msgpack.Map {
		return r.value()
	}
	typ, at, err := r.typedMap()
	if err != nil || typ < 0 || typ == typeList {
		return translate.Attr{}, err
	}
	end := r.Pos
	r.Pos = at
	a, err := r.value()
	r.Pos = end
	return a, err
}
