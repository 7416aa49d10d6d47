package decode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

func (d *Decoder) addFloat(key sym, f float64) { d.addNumber(key, attrFloat, math.Float64bits(f)) }

func (d *Decoder) addBytes(key sym, b []byte) {
	value := pcommon.NewValueBytes()
	value.Bytes().FromRaw(b)
	d.addValue(key, value)
}

func (d *Decoder) addValue(key sym, value pcommon.Value) {
	if key == kEmpty {
		return
	}
	d.values = append(grow(d.values), value)
	d.set(attr{key: key, kind: attrValue, number: uint64(len(d.values) - 1)})
}

// putCopy is put for a value that goes to several places.
func (d *Decoder) putCopy(a attr, to pcommon.Value) {
	if a.kind == attrValue {
		d.values[a.number].CopyTo(to)
		return
	}
	d.put(a, to)
}

// readMap reads a map of any values into to, which must be empty. A later entry replaces an earlier one of the same key.
// The value must have been skipped once before: then its lengths are known to be true, and space can be made for them.
func (d *Decoder) readMap(r *msgpack.Reader, to pcommon.Map, typed bool, depth int) error {
	n, err := r.MapLen()
	if err == msgpack.ErrType {
		return r.Skip()
	}
	if err != nil {
		return err
	}
	var b xpdata.MapBuilder
	b.EnsureCapacity(n)
	var keys keySet
	for range n {
		key, err := r.Bytes()
		if err == msgpack.ErrType {
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
		y := d.syms.intern(key)
		value, ok := keys.find(y)
		if !ok {
			value = b.AppendEmpty(d.syms.text(y))
			keys.add(y, value, n)
		}
		if typed && r.Kind() == msgpack.Map {
			err = d.readTyped(r, value)
		} else {
			err = d.readValue(r, value, depth)
		}
		if err != nil {
			return err
		}
	}
	b.UnsafeIntoMap(to)
	return nil
}

// readValue reads one value as what it is. Integers beyond 63 bits become doubles, extensions nothing.
func (d *Decoder) readValue(r *msgpack.Reader, to pcommon.Value, depth int) error {
	switch r.Kind() {
	case msgpack.Str:
		b, err := r.Bytes()
		if err == nil {
			to.SetStr(d.syms.text(d.syms.intern(b)))
		}
		return err
	case msgpack.Bin:
		b, err := r.Bytes()
		if err == nil {
			to.SetEmptyBytes().FromRaw(b)
		}
		return err
	case msgpack.Bool:
		v, err := r.Bool()
		to.SetBool(v)
		return err
	case msgpack.Int, msgpack.Uint:
		n, err := r.Int64()
		if err == nil {
			to.SetInt(n)
			return nil
		}
		if err != msgpack.ErrType {
			return err
		}
		f, err := r.Float64()
		to.SetDouble(f)
		return err
	case msgpack.Float:
		f, err := r.Float64()
		to.SetDouble(f)
		return err
	case msgpack.Array:
		if depth >= msgpack.MaxDepth {
			return msgpack.ErrDepth
		}
		n, err := r.ArrayLen()
		if err != nil {
			return err
		}
		list := to.SetEmptySlice()
		list.EnsureCapacity(n)
		for range n {
			if err := d.readValue(r, list.AppendEmpty(), depth+1); err != nil {
				return err
			}
		}
		return nil
	case msgpack.Map:
		if depth >= msgpack.MaxDepth {
			return msgpack.ErrDepth
		}
		return d.readMap(r, to.SetEmptyMap(), false, depth+1)
	}
	return r.Skip()
}

// readTyped reads the value of an attribute of a native span event, a map that tells its type: 0 string, 1 bool, 2 int, 3 double,
// 4 list of the like. https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/span.proto
func (d *Decoder) readTyped(r *msgpack.Reader, to pcommon.Value) error {
	const none = -1
	at := [5]int{none, none, none, none, none}
	typ := uint64(len(at))
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := r.Bytes()
		if err != nil && err != msgpack.ErrType {
			return err
		}
		if err == msgpack.ErrType {
			if err := r.Skip(); err != nil {
				return err
			}
		}
		field := none
		switch string(key) {
		case "type":
			if v, err := r.Uint64(); err == nil {
				typ = v
				continue
			}
		case "string_value":
			field = 0
		case "bool_value":
			field = 1
		case "int_value":
			field = 2
		case "double_value":
			field = 3
		case "array_value":
			field = 4
		}
		if field != none {
			at[field] = r.Pos
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
	if typ >= uint64(len(at)) || at[typ] == none {
		return nil
	}
	end := r.Pos
	r.Pos = at[typ]
	switch {
	case typ == 4:
		err = d.readTypedList(r, to.SetEmptySlice())
	case typ == 3:
		var f float64
		if f, err = r.Float64(); err == nil {
			to.SetDouble(f)
		}
	case r.Kind() != msgpack.Map && r.Kind() != msgpack.Array:
		err = d.readValue(r, to, 0)
	}
	if err == msgpack.ErrType {
		err = nil
	}
	r.Pos = end
	return err
}

// readTypedList reads `{"values": [{"type": 0, ...}, ...]}`.
func (d *Decoder) readTypedList(r *msgpack.Reader, to pcommon.Slice) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := r.Bytes()
		if err != nil || string(key) != "values" {
			if err == nil || err == msgpack.ErrType {
				if err == msgpack.ErrType {
					err = r.Skip()
				}
				if err == nil {
					err = r.Skip()
				}
			}
			if err != nil {
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
			value := to.AppendEmpty()
			if r.Kind() != msgpack.Map {
				err = d.readValue(r, value, msgpack.MaxDepth-1)
			} else {
				err = d.readTyped(r, value)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// chunkAttr collects attributes of a chunk. They go to its first span.
func (d *Decoder) chunkAttr(a attr) {
	switch {
	case a.key == kService:
		// It repeats the service of the first span.
	case a.key == kTID && a.kind == attrStr:
		tid, ok := ddcontext.ParseTID(d.syms.text(a.str()))
		if !ok {
			d.stats.BadTIDs++
			return
		}
		d.chunk.tid = tid
		d.chunk.attrs = append(d.chunk.attrs, a)
	case len(d.chunk.attrs) == maxSharedAttrs:
		d.stats.BadAttributes++
	default:
		d.chunk.attrs = append(d.chunk.attrs, a)
	}
}

// payloadAttr collects attributes of a payload. They go to its resources.
func (d *Decoder) payloadAttr(a attr) {
	switch {
	case a.kind == attrStr && (a.key == kRuntimeID || a.key == kLanguage || a.key == kProcessTags || a.key == kHostname):
		d.hoist(a.key, a.str())
	case len(d.payload.attrs) == maxSharedAttrs:
		d.stats.BadAttributes++
	default:
		d.payload.attrs = append(d.payload.attrs, a)
	}
}
