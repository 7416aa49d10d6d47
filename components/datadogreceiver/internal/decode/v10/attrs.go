package v10

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// attributes reads a flat array of key, type, value, key, type, value… An attribute that makes no sense is left out and counted.
func (r *reader) attributes(add func(translate.Attr)) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	if n%3 != 0 {
		return r.skipAll(n)
	}
	for range n / 3 {
		key, err := r.text()
		bad := msgpack.IsType(err)
		if bad {
			err = r.skip()
		}
		if err != nil {
			return err
		}
		a, err := r.value()
		if err != nil {
			return err
		}
		if bad || key == intern.Empty || a.IsEmpty() {
			r.to.BadAttributes++
			continue
		}
		a.Key = key
		add(a)
	}
	return nil
}

// value reads a type and a value of it. One of another type is skipped, and empty.
func (r *reader) value() (translate.Attr, error) {
	typ, err := r.Uint64()
	if msgpack.IsType(err) {
		err = r.skip()
	}
	if err != nil {
		return translate.Attr{}, err
	}
	var a translate.Attr
	switch typ {
	case TypeBytes, TypeList, TypeMap:
		// Once without looking: then all lengths inside are known to be true, and space can be made for them.
		at := r.Pos
		if err := r.Skip(); err != nil {
			return a, err
		}
		r.Pos = at
		value := pcommon.NewValueEmpty()
		err = r.nested(typ, value)
		a = r.to.Values.Nested(intern.Empty, value)
	default:
		a, err = r.scalar(typ)
	}
	if msgpack.IsType(err) {
		return translate.Attr{}, r.skip()
	}
	return a, err
}

// scalar reads a value of a type. It returns msgpack.ErrType only with the value unread.
func (r *reader) scalar(typ uint64) (translate.Attr, error) {
	switch typ {
	case TypeString:
		y, err := r.text()
		return translate.StringAttr(intern.Empty, y), err
	case TypeBool:
		v, err := r.Bool()
		return translate.BoolAttr(intern.Empty, v), err
	case TypeFloat:
		f, err := r.Float64()
		return translate.FloatAttr(intern.Empty, f), err
	case TypeInt:
		n, err := r.Int64()
		return translate.IntAttr(intern.Empty, n), err
	}
	return translate.Attr{}, msgpack.ErrType
}

// nested reads a value of a type inside another. It was skipped once, which bounds its depth. It returns msgpack.ErrType only with
// the value unread.
func (r *reader) nested(typ uint64, to pcommon.Value) error {
	switch typ {
	case TypeBytes:
		b, err := r.Bytes()
		if err == nil {
			to.SetEmptyBytes().FromRaw(b)
		}
		return err
	case TypeList:
		return r.nestedList(to)
	case TypeMap:
		return r.nestedMap(to)
	}
	a, err := r.scalar(typ)
	if err == nil {
		r.to.Values.Put(a, to)
	}
	return err
}

// nestedList reads type, value, type, value…
func (r *reader) nestedList(to pcommon.Value) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	list := to.SetEmptySlice()
	if n%2 != 0 {
		return r.skipAll(n)
	}
	list.EnsureCapacity(n / 2)
	for range n / 2 {
		if err := r.typed(list.AppendEmpty()); err != nil {
			return err
		}
	}
	return nil
}

// nestedMap reads key, type, value, key, type, value…
func (r *reader) nestedMap(to pcommon.Value) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	m := to.SetEmptyMap()
	if n%3 != 0 {
		return r.skipAll(n)
	}
	var b xpdata.MapBuilder
	b.EnsureCapacity(n / 3)
	for range n / 3 {
		key, err := r.text()
		if msgpack.IsType(err) {
			err = r.skip()
		}
		if err != nil {
			return err
		}
		if err := r.typed(b.AppendEmpty(r.to.Values.String(key))); err != nil {
			return err
		}
	}
	b.UnsafeIntoMap(m)
	translate.KeepLast(m)
	return nil
}

// typed reads a type and a value inside a list or map. One of another type is empty, and counted.
func (r *reader) typed(to pcommon.Value) error {
	typ, err := r.Uint64()
	if msgpack.IsType(err) {
		err = r.skip()
	}
	if err == nil {
		err = r.nested(typ, to)
	}
	if msgpack.IsType(err) {
		r.to.BadAttributes++
		err = r.skip()
	}
	return err
}

func (r *reader) skipAll(n int) error {
	r.to.BadAttributes++
	for range n {
		if err := r.skip(); err != nil {
			return err
		}
	}
	return nil
}
