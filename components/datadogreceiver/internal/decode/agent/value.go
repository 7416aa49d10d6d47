package agent

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v10"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// maxDepth bounds nesting of values.
const maxDepth = 64

// eventAttr reads an entry of a span event's attributes: a key and an AttributeAnyValue.
func (r *reader) eventAttr(message []byte) error {
	key, value, err := entry(message)
	if err != nil || len(key) == 0 {
		return err
	}
	a, list, err := r.eventValue(value.bytes)
	if err != nil {
		return err
	}
	if a.IsEmpty() {
		v := pcommon.NewValueEmpty()
		if err := r.eventList(list, v.SetEmptySlice()); err != nil {
			return err
		}
		a = r.to.Values.Nested(intern.Empty, v)
	}
	a.Key = r.text(key)
	r.to.Related.Attr(a)
	return nil
}

// eventValue reads an AttributeAnyValue or AttributeArrayValue. list is the message of a list, when it is one.
func (r *reader) eventValue(message []byte) (a translate.Attr, list []byte, err error) {
	var typ, boolean, integer, double uint64
	var text, array []byte
	err = fields(message, func(f field) error {
		switch f.number {
		case 1:
			typ = f.bits
		case 2:
			text = f.bytes
		case 3:
			boolean = f.bits
		case 4:
			integer = f.bits
		case 5:
			double = f.bits
		case 6:
			array = f.bytes
		}
		return nil
	})
	switch typ {
	case 1:
		return translate.BoolAttr(intern.Empty, boolean != 0), nil, err
	case 2:
		return translate.IntAttr(intern.Empty, int64(integer)), nil, err
	case 3:
		return translate.FloatAttr(intern.Empty, math.Float64frombits(double)), nil, err
	case 4:
		return translate.Attr{}, array, err
	}
	return translate.StringAttr(intern.Empty, r.text(text)), nil, err
}

func (r *reader) eventList(message []byte, to pcommon.Slice) error {
	return fields(message, func(f field) error {
		if f.number != 1 {
			return nil
		}
		a, _, err := r.eventValue(f.bytes)
		if err == nil && !a.IsEmpty() {
			r.to.Values.Put(a, to.AppendEmpty())
		}
		return err
	})
}

// indexedAttr reads an entry of an indexed payload's attributes: a number for the key, an AnyValue.
func (r *reader) indexedAttr(message []byte, add func(translate.Attr)) error {
	key, value, err := r.indexedEntry(message)
	if err != nil {
		return err
	}
	var a translate.Attr
	err = fields(value, func(f field) error {
		// The last of its fields counts.
		switch f.number {
		case v10.TypeBytes, v10.TypeList, v10.TypeMap:
			v := pcommon.NewValueEmpty()
			a = r.to.Values.Nested(intern.Empty, v)
			return r.nested(f, v, 0)
		}
		if scalar := r.scalar(f); !scalar.IsEmpty() {
			a = scalar
		}
		return nil
	})
	if err != nil {
		return err
	}
	if key == intern.Empty || a.IsEmpty() {
		r.to.BadAttributes++
		return nil
	}
	a.Key = key
	add(a)
	return nil
}

func (r *reader) indexedEntry(message []byte) (key intern.Sym, value []byte, err error) {
	err = fields(message, func(f field) error {
		switch f.number {
		case 1:
			key = r.ref(f.bits)
		case 2:
			value = f.bytes
		}
		return nil
	})
	return key, value, err
}

// ref is a string by its place in the table. A place outside it is the empty string.
func (r *reader) ref(i uint64) intern.Sym {
	if i >= uint64(len(r.table)) {
		return intern.Empty
	}
	return r.table[i]
}

// scalar reads a field of an AnyValue that is no list and no map, and else nothing.
func (r *reader) scalar(f field) translate.Attr {
	switch f.number {
	case v10.TypeString:
		return translate.StringAttr(intern.Empty, r.ref(f.bits))
	case v10.TypeBool:
		return translate.BoolAttr(intern.Empty, f.bits != 0)
	case v10.TypeFloat:
		return translate.FloatAttr(intern.Empty, math.Float64frombits(f.bits))
	case v10.TypeInt:
		return translate.IntAttr(intern.Empty, int64(f.bits))
	}
	return translate.Attr{}
}

// nested reads one field of an AnyValue into to.
func (r *reader) nested(f field, to pcommon.Value, depth int) error {
	if depth > maxDepth {
		return errProtobuf
	}
	switch f.number {
	case v10.TypeBytes:
		to.SetEmptyBytes().FromRaw(f.bytes)
	case v10.TypeList:
		list := to.SetEmptySlice()
		return fields(f.bytes, func(element field) error {
			if element.number != 1 {
				return nil
			}
			value := list.AppendEmpty()
			return fields(element.bytes, func(v field) error { return r.nested(v, value, depth+1) })
		})
	case v10.TypeMap:
		return r.nestedMap(f.bytes, to.SetEmptyMap(), depth)
	default:
		if a := r.scalar(f); !a.IsEmpty() {
			r.to.Values.Put(a, to)
		}
	}
	return nil
}

func (r *reader) nestedMap(message []byte, to pcommon.Map, depth int) error {
	var b xpdata.MapBuilder
	err := fields(message, func(element field) error {
		if element.number != 1 {
			return nil
		}
		key, value, err := r.indexedEntry(element.bytes)
		if err != nil {
			return err
		}
		to := b.AppendEmpty(r.to.Values.String(key))
		return fields(value, func(v field) error { return r.nested(v, to, depth+1) })
	})
	if err != nil {
		return err
	}
	b.UnsafeIntoMap(to)
	translate.KeepLast(to)
	return nil
}
