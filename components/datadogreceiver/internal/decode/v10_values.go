package decode

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/msgpack"
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

// owner is what attributes are of.
type owner uint8

const (
	ofPayload owner = iota
	ofChunk
	ofSpan
	ofLinked // a link or an event
)

func (d *Decoder) add(of owner, a attr) {
	switch of {
	case ofPayload:
		d.payloadAttr(a)
	case ofChunk:
		d.chunkAttr(a)
	case ofSpan:
		d.spanAttr(a)
	case ofLinked:
		d.linkedAttr(a)
	}
}

// attributesV10 reads a flat array of key, type, value, key, type, value… An attribute that makes no sense is left out and counted.
func (d *Decoder) attributesV10(of owner) error {
	n, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	if n%3 != 0 {
		d.stats.BadAttributes++
		for range n {
			if err := d.skip(); err != nil {
				return err
			}
		}
		return nil
	}
	for left := n / 3; ; left-- {
		if left -= d.shortAttrs(left, of); left == 0 {
			return nil
		}
		key, err := d.streamingString()
		bad := err == msgpack.ErrType
		if bad {
			err = d.skip()
		}
		if err != nil {
			return err
		}
		a, err := d.valueV10()
		if err != nil {
			return err
		}
		a.key = key
		if bad || key == kEmpty || a.kind == attrNone {
			d.stats.BadAttributes++
			continue
		}
		d.add(of, a)
	}
}

// shortAttrs reads attributes, at most n, as long as they are written as most are: a key below 128, and a string below 128 or a double.
func (d *Decoder) shortAttrs(n int, of owner) (read int) {
	buf, pos, dict := d.r.Buf, d.r.Pos, d.dict
	small := byte(min(len(dict), shortKeys))
	sort := of == ofSpan && !d.twice
	for ; read < n && len(buf)-pos >= 3; read++ {
		k, typ, v := buf[pos], buf[pos+1], buf[pos+2]
		if k >= small || dict[k] == kEmpty {
			break
		}
		a := attr{key: dict[k]}
		if typ == typeString && v < small {
			a.kind, a.number = attrStr, uint64(dict[v])
			pos += 3
		} else if typ == typeFloat && v == msgpack.Float64Code && len(buf)-pos >= 11 {
			a.kind, a.number = attrFloat, binary.BigEndian.Uint64(buf[pos+3:])
			pos += 11
		} else {
			break
		}
		if !sort {
			d.add(of, a)
			continue
		}
		if d.sorted.has(k) {
			d.addSorted()
		}
		d.sorted.put(k, a)
	}
	d.r.Pos = pos
	d.addSorted()
	return read
}

// shortKeys is how many keys take one byte.
const shortKeys = 0x80

// sortedAttrs are attributes of a span in the order of their keys. Tracers write them in any order, another one for each span, and
// the branches that depend on the key would be guessed wrong most of the time, which was a tenth of the time of v1.0.
type sortedAttrs struct {
	set   [shortKeys / 64]uint64
	byKey [shortKeys]attr
}

func (s *sortedAttrs) has(k byte) bool { return s.set[k>>6]>>(k&63)&1 != 0 }

func (s *sortedAttrs) put(k byte, a attr) {
	s.set[k>>6] |= 1 << (k & 63)
	s.byKey[k] = a
}

// addSorted adds the attributes that were put, and forgets them.
func (d *Decoder) addSorted() {
	for word, set := range d.sorted.set {
		for ; set != 0; set &= set - 1 {
			d.spanAttr(d.sorted.byKey[word<<6+bits.TrailingZeros64(set)])
		}
		d.sorted.set[word] = 0
	}
}

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

// linkV10 reads one span link. Attributes may come before the ids: they are read into a map of their own.
func (d *Decoder) linkV10() error {
	const (
		linkTraceID = 1 + iota
		linkSpanID
		linkAttributes
		linkTracestate
		linkFlags
	)
	var l link
	attrs := len(d.linked)
	err := d.fieldsV10(func(field uint64) (err error) {
		switch field {
		case linkTraceID:
			return d.traceIDV10(&l.high, &l.low)
		case linkSpanID:
			l.spanID, err = d.r.Uint64()
		case linkAttributes:
			return d.attributesV10(ofLinked)
		case linkTracestate:
			return d.streamingTo(&l.state)
		case linkFlags:
			l.flags, err = d.r.Uint64()
		default:
			return d.skip()
		}
		return err
	})
	if err == msgpack.ErrType {
		d.stats.BadLinks++
		return d.skip()
	}
	if err != nil {
		return err
	}
	d.addLink(d.scratch.Links(), l, attrs)
	return nil
}

// eventV10 reads one span event.
func (d *Decoder) eventV10() error {
	const (
		eventTime = 1 + iota
		eventName
		eventAttributes
	)
	var when uint64
	var name sym
	attrs := len(d.linked)
	err := d.fieldsV10(func(field uint64) (err error) {
		switch field {
		case eventTime:
			when, err = d.r.Uint64()
		case eventName:
			return d.streamingTo(&name)
		case eventAttributes:
			return d.attributesV10(ofLinked)
		default:
			return d.skip()
		}
		return err
	})
	if err == msgpack.ErrType {
		d.stats.BadEvents++
		return d.skip()
	}
	if err != nil {
		return err
	}
	d.addEvent(d.scratch.Events(), when, name, attrs)
	return nil
}

// putLinked writes the attributes collected since from, the last of each name.
func (d *Decoder) putLinked(to pcommon.Map, from int) {
	list := lastOfEach(d.linked[from:])
	// What may be shared comes first.
	scalars := slices.IndexFunc(list, func(a attr) bool { return a.kind > attrBool })
	if scalars < 0 {
		scalars = len(list)
	}
	b := d.newMap(list[:scalars], len(list)-scalars)
	d.appendAll(b, list[scalars:])
	b.UnsafeIntoMap(to)
	d.linked = d.linked[:from]
}
