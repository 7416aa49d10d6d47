package decode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// protoEventAttr reads an entry of a span event's attributes: a key and an AttributeAnyValue.
func (d *Decoder) protoEventAttr(message []byte) error {
	var key sym
	var value []byte
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			key = d.syms.intern(f.bytes)
		case 2:
			value = f.bytes
		}
		return nil
	})
	if err != nil || key == kEmpty {
		return err
	}
	a, list, err := d.protoValue(value)
	if err != nil {
		return err
	}
	a.key = key
	if a.kind == attrNone {
		v := pcommon.NewValueSlice()
		if err := d.protoList(list, v.Slice()); err != nil {
			return err
		}
		d.values = append(grow(d.values), v)
		a.kind, a.number = attrValue, uint64(len(d.values)-1)
	}
	d.linkedAttr(a)
	return nil
}

// protoValue reads an AttributeAnyValue or AttributeArrayValue. list is the message of a list, when it is one.
func (d *Decoder) protoValue(message []byte) (a attr, list []byte, err error) {
	var typ, boolean, integer, double uint64
	var text sym
	var array []byte
	err = eachField(message, func(f field) error {
		switch f.number {
		case 1:
			typ = f.bits
		case 2:
			text = d.syms.intern(f.bytes)
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
		return attr{kind: attrBool, number: boolean}, nil, err
	case 2:
		return attr{kind: attrInt, number: integer}, nil, err
	case 3:
		return attr{kind: attrFloat, number: double}, nil, err
	case 4:
		return attr{}, array, err
	}
	return strAttr(noSym, text), nil, err
}

func (d *Decoder) protoList(message []byte, to pcommon.Slice) error {
	return eachField(message, func(f field) error {
		if f.number != 1 {
			return nil
		}
		a, _, err := d.protoValue(f.bytes)
		if err == nil && a.kind != attrNone {
			d.put(a, to.AppendEmpty())
		}
		return err
	})
}

// idxAttr is how the indexed payload's maps of attributes look: a number for the key, an AnyValue.
func (d *Decoder) idxAttr(message []byte, add func(attr)) error {
	var key sym
	var value []byte
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			key = d.ref(f.bits)
		case 2:
			value = f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	a, err := d.idxValue(value)
	a.key = key
	if err != nil {
		return err
	}
	if key == kEmpty || a.kind == attrNone {
		d.stats.BadAttributes++
		return nil
	}
	add(a)
	return nil
}

// ref is a string by its place in the table. A place outside it is the empty string.
func (d *Decoder) ref(i uint64) sym {
	if i >= uint64(len(d.dict)) {
		return noSym
	}
	return d.dict[i]
}

// idxValue reads an AnyValue that stands alone. The last of its fields counts.
func (d *Decoder) idxValue(message []byte) (a attr, err error) {
	err = eachField(message, func(f field) error {
		switch f.number {
		case typeString:
			a = strAttr(noSym, d.ref(f.bits))
		case typeBool:
			a = attr{kind: attrBool, number: f.bits}
		case typeFloat:
			a = attr{kind: attrFloat, number: f.bits}
		case typeInt:
			a = attr{kind: attrInt, number: f.bits}
		case typeBytes, typeList, typeMap:
			value := pcommon.NewValueEmpty()
			if err := d.idxNested(f, value, 0); err != nil {
				return err
			}
			d.values = append(grow(d.values), value)
			a = attr{kind: attrValue, number: uint64(len(d.values) - 1)}
		}
		return nil
	})
	return a, err
}

// idxNested reads one field of an AnyValue into to.
func (d *Decoder) idxNested(f field, to pcommon.Value, depth int) error {
	if depth > maxProtoDepth {
		return errProtobuf
	}
	switch f.number {
	case typeString:
		to.SetStr(d.syms.text(d.ref(f.bits)))
	case typeBool:
		to.SetBool(f.bits != 0)
	case typeFloat:
		to.SetDouble(math.Float64frombits(f.bits))
	case typeInt:
		to.SetInt(int64(f.bits))
	case typeBytes:
		to.SetEmptyBytes().FromRaw(f.bytes)
	case typeList:
		list := to.SetEmptySlice()
		return eachField(f.bytes, func(element field) error {
			if element.number != 1 {
				return nil
			}
			value := list.AppendEmpty()
			return eachField(element.bytes, func(v field) error { return d.idxNested(v, value, depth+1) })
		})
	case typeMap:
		m := to.SetEmptyMap()
		return eachField(f.bytes, func(element field) error {
			if element.number != 1 {
				return nil
			}
			if m.Len() == maxProtoMap {
				d.stats.BadAttributes++
				return nil
			}
			var key sym
			var value []byte
			err := eachField(element.bytes, func(kv field) error {
				switch kv.number {
				case 1:
					key = d.ref(kv.bits)
				case 2:
					value = kv.bytes
				}
				return nil
			})
			if err != nil {
				return err
			}
			to := m.PutEmpty(d.syms.text(key))
			return eachField(value, func(v field) error { return d.idxNested(v, to, depth+1) })
		})
	}
	return nil
}

const (
	// maxProtoDepth bounds nesting of values in an agent's payload.
	maxProtoDepth = 64
	// maxProtoMap bounds the entries of one nested map, which are looked up one by one.
	maxProtoMap = 256
)
