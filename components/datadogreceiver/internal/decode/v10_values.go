package decode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Types of v1.0 attribute values.
const (
	typeString = 1 + iota
	typeBool
	typeFloat
	typeInt
	typeBytes
	typeList
	typeMap
)

// valueV10 reads a type and a value of it. One of another type is skipped, and attrNone.
func (d *Decoder) valueV10() (a attr, err error) {
	typ, err := d.r.Uint64()
	if err == msgpack.ErrType {
		err = d.skip()
	}
	if err != nil {
		return a, err
	}
	switch typ {
	case typeString:
		a.kind = attrStr
		var text sym
		text, err = d.streamingString()
		a.number = uint64(text)
	case typeBool:
		var v bool
		a.kind = attrBool
		if v, err = d.r.Bool(); v {
			a.number = 1
		}
	case typeFloat:
		var f float64
		a.kind = attrFloat
		f, err = d.r.Float64()
		a.number = math.Float64bits(f)
	case typeInt:
		var n int64
		a.kind = attrInt
		n, err = d.r.Int64()
		a.number = uint64(n)
	case typeBytes, typeList, typeMap:
		a.kind = attrValue
		a.number, err = d.nestedV10(typ)
	default:
		return attr{}, d.skip()
	}
	if err == msgpack.ErrType {
		return attr{}, d.skip()
	}
	return a, err
}

// nestedV10 reads bytes, a list or a map into d.values.
func (d *Decoder) nestedV10(typ uint64) (uint64, error) {
	// Once without looking: then all lengths inside are known to be true, and space can be made for them.
	at := d.r.Pos
	if err := d.r.Skip(); err != nil {
		return 0, err
	}
	d.r.Pos = at
	value := pcommon.NewValueEmpty()
	if err := d.readV10(typ, value, 0); err != nil {
		return 0, err
	}
	d.values = append(grow(d.values), value)
	return uint64(len(d.values) - 1), nil
}

// readV10 reads a value of a type. It returns msgpack.ErrType only with the value unread.
func (d *Decoder) readV10(typ uint64, to pcommon.Value, depth int) error {
	if depth > msgpack.MaxDepth {
		return msgpack.ErrDepth
	}
	switch typ {
	case typeString:
		y, err := d.streamingString()
		if err == nil {
			to.SetStr(d.syms.text(y))
		}
		return err
	case typeBool:
		v, err := d.r.Bool()
		if err == nil {
			to.SetBool(v)
		}
		return err
	case typeFloat:
		f, err := d.r.Float64()
		if err == nil {
			to.SetDouble(f)
		}
		return err
	case typeInt:
		n, err := d.r.Int64()
		if err == nil {
			to.SetInt(n)
		}
		return err
	case typeBytes:
		b, err := d.r.Bytes()
		if err == nil {
			to.SetEmptyBytes().FromRaw(b)
		}
		return err
	case typeList:
		return d.listV10(to, depth)
	case typeMap:
		return d.mapV10(to.SetEmptyMap(), depth)
	}
	return msgpack.ErrType
}

// listV10 reads type, value, type, value…
func (d *Decoder) listV10(to pcommon.Value, depth int) error {
	n, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	list := to.SetEmptySlice()
	if n%2 != 0 {
		return d.skipElements(n)
	}
	list.EnsureCapacity(n / 2)
	for range n / 2 {
		if err := d.typedV10(list.AppendEmpty(), depth); err != nil {
			return err
		}
	}
	return nil
}

// mapV10 reads key, type, value, key, type, value… into to, which must be empty.
func (d *Decoder) mapV10(to pcommon.Map, depth int) error {
	n, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	if n%3 != 0 {
		return d.skipElements(n)
	}
	var b xpdata.MapBuilder
	b.EnsureCapacity(n / 3)
	var keys keySet
	for range n / 3 {
		key, err := d.streamingString()
		if err == msgpack.ErrType {
			err = d.skip()
		}
		if err != nil {
			return err
		}
		value, ok := keys.find(key)
		if !ok {
			value = b.AppendEmpty(d.syms.text(key))
			keys.add(key, value, n/3)
		}
		if err := d.typedV10(value, depth); err != nil {
			return err
		}
	}
	b.UnsafeIntoMap(to)
	return nil
}

// typedV10 reads a type and a value inside a list or map. One of another type is empty, and counted.
func (d *Decoder) typedV10(to pcommon.Value, depth int) error {
	typ, err := d.r.Uint64()
	if err == msgpack.ErrType {
		err = d.skip()
	}
	if err == nil {
		err = d.readV10(typ, to, depth+1)
	}
	if err == msgpack.ErrType {
		d.stats.BadAttributes++
		err = d.skip()
	}
	return err
}

func (d *Decoder) skipElements(n int) error {
	d.stats.BadAttributes++
	for range n {
		if err := d.skip(); err != nil {
			return err
		}
	}
	return nil
}
