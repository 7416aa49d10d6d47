package decode

import (
	"math"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// values reads MessagePack values into pdata. What it reads must be whole.
type values struct {
	msgpack.Reader
	text  texts
	depth int
	maps  []*mapBuilder // one for each level of maps that is open, used again
}

// mapBuilder builds a map without comparing every key with every other.
type mapBuilder struct {
	xpdata.MapBuilder
	keys []string
	seen uint64 // slots of the keys, modulo 64
	// twice reports that a key may stand there twice.
	twice bool
}

// open returns the builder of a map of n pairs, to be given back with close.
func (d *values) open(n int) *mapBuilder {
	if d.depth == len(d.maps) {
		d.maps = append(d.maps, new(mapBuilder))
	}
	b := d.maps[d.depth]
	d.depth++
	b.EnsureCapacity(n)
	b.keys = slices.Grow(b.keys, n)
	return b
}

// put appends a pair whose key is in slot.
func (b *mapBuilder) put(key string, slot int) pcommon.Value {
	bit := uint64(1) << (slot & 63)
	if b.seen&bit != 0 && !b.twice {
		b.twice = b.repeats(key)
	}
	b.seen |= bit
	b.keys = append(b.keys, key)
	return b.AppendEmpty(key)
}

// repeats reports whether key may be there. Of many it is not worth looking: close finds out.
func (b *mapBuilder) repeats(key string) bool {
	if len(b.keys) > 64 {
		return true
	}
	for _, k := range b.keys {
		if k == key {
			return true
		}
	}
	return false
}

// close moves what was built into m. Of keys that stand there twice the last wins.
func (d *values) close(b *mapBuilder, m pcommon.Map) {
	d.depth--
	if b.UnsafeIntoMap(m); b.twice {
		last := make(map[string]int, len(b.keys))
		for i, key := range b.keys {
			last[key] = i
		}
		i := -1
		m.RemoveIf(func(key string, _ pcommon.Value) bool {
			i++
			return last[key] != i
		})
	}
	clear(b.keys)
	b.keys, b.seen, b.twice = b.keys[:0], 0, false
	if cap(b.keys) > maxKeptPairs {
		b.keys = nil
	}
}

// value reads the next value into v.
func (d *values) value(v pcommon.Value) error {
	switch d.Kind() {
	case msgpack.Nil:
		d.Pos++
		return nil
	case msgpack.Bool:
		b, err := d.Bool()
		v.SetBool(b)
		return err
	case msgpack.Int:
		n, err := d.Int64()
		v.SetInt(n)
		return err
	case msgpack.Uint:
		n, err := d.Uint64()
		if n > math.MaxInt64 {
			v.SetStr(strconv.FormatUint(n, 10))
		} else {
			v.SetInt(int64(n))
		}
		return err
	case msgpack.Float:
		f, err := d.Float64()
		v.SetDouble(f)
		return err
	case msgpack.Str, msgpack.Bin:
		b, err := d.Bytes()
		if err != nil {
			return err
		}
		v.SetStr(d.text.value(b))
		return nil
	case msgpack.Array:
		return d.array(v)
	case msgpack.Map:
		return d.mapping(v.SetEmptyMap())
	case msgpack.Ext:
		_, data, err := d.Ext()
		if err != nil {
			return err
		}
		v.SetEmptyBytes().FromRaw(data)
		return nil
	}
	return msgpack.ErrInvalid
}

func (d *values) array(v pcommon.Value) error {
	n, err := d.ArrayLen()
	if err != nil {
		return err
	}
	s := v.SetEmptySlice()
	s.EnsureCapacity(n)
	for range n {
		if err := d.value(s.AppendEmpty()); err != nil {
			return err
		}
	}
	return nil
}

// mapping reads the next value, a map, into m.
func (d *values) mapping(m pcommon.Map) error {
	n, err := d.MapLen()
	if err != nil {
		return err
	}
	b := d.open(n)
	for range n {
		var key string
		var slot int
		if key, slot, err = d.key(); err != nil {
			break
		}
		if err = d.value(b.put(key, slot)); err != nil {
			break
		}
	}
	d.close(b, m)
	return err
}

// key reads a key of any type as text.
func (d *values) key() (string, int, error) {
	if kind := d.Kind(); kind == msgpack.Str || kind == msgpack.Bin {
		b, err := d.Bytes()
		if err != nil {
			return "", 0, err
		}
		key, slot := d.text.key(b)
		return key, slot, nil
	}
	b, err := d.keyText()
	if err != nil {
		return "", 0, err
	}
	key, slot := d.text.key(b)
	return key, slot, nil
}

// keyText writes a key that is no text as JSON would.
func (d *values) keyText() ([]byte, error) {
	var digits [24]byte
	switch d.Kind() {
	case msgpack.Nil:
		d.Pos++
		return append(digits[:0], "null"...), nil
	case msgpack.Int:
		n, err := d.Int64()
		return strconv.AppendInt(digits[:0], n, 10), err
	case msgpack.Uint:
		n, err := d.Uint64()
		return strconv.AppendUint(digits[:0], n, 10), err
	}
	v := pcommon.NewValueEmpty()
	err := d.value(v)
	return []byte(v.AsString()), err
}
