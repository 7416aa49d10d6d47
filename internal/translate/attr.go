package translate

import (
	"math"
	"strconv"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

type kind uint8

const (
	kindNone kind = iota
	kindString
	kindInt
	kindFloat
	kindBool
	kindNested // bytes, a list or a map
)

// Attr is one attribute: a name, and a value of any type.
type Attr struct {
	Key  intern.Sym
	kind kind
	// derived means that this package made it from another one. What the tracer itself wrote under the name wins.
	derived bool
	// bits is the Sym of a string, the bits of a number, or the place of a nested value. Without pointers in it, writing an Attr is
	// nothing the garbage collector has to know of.
	bits uint64
}

// StringAttr is a text.
func StringAttr(key, value intern.Sym) Attr {
	return Attr{Key: key, kind: kindString, bits: uint64(value)}
}

// IntAttr is an integer.
func IntAttr(key intern.Sym, value int64) Attr {
	return Attr{Key: key, kind: kindInt, bits: uint64(value)}
}

// FloatAttr is a double.
func FloatAttr(key intern.Sym, value float64) Attr {
	return Attr{Key: key, kind: kindFloat, bits: math.Float64bits(value)}
}

// BoolAttr is true or false.
func BoolAttr(key intern.Sym, value bool) Attr {
	a := Attr{Key: key, kind: kindBool}
	if value {
		a.bits = 1
	}
	return a
}

// IsEmpty reports whether a has no value.
func (a Attr) IsEmpty() bool { return a.kind == kindNone }

// Text returns the Sym of a text.
func (a Attr) Text() (intern.Sym, bool) { return intern.Sym(a.bits), a.kind == kindString }

// text is the Sym of an attribute that is known to be a text.
func (a Attr) text() intern.Sym { return intern.Sym(a.bits) }

// float returns a number as a float.
func (a Attr) float() (float64, bool) {
	switch a.kind {
	case kindFloat:
		return math.Float64frombits(a.bits), true
	case kindInt:
		return float64(int64(a.bits)), true
	}
	return 0, false
}

// int returns a number without a fraction as an integer.
func (a Attr) int() (int64, bool) {
	switch a.kind {
	case kindInt:
		return int64(a.bits), true
	case kindFloat:
		f := math.Float64frombits(a.bits)
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}

// numberText is a number as a tracer would write it into a text.
func (a Attr) numberText() string {
	switch a.kind {
	case kindInt:
		return strconv.FormatInt(int64(a.bits), 10)
	case kindFloat:
		return strconv.FormatFloat(math.Float64frombits(a.bits), 'f', -1, 64)
	case kindBool:
		return strconv.FormatBool(a.bits != 0)
	}
	return ""
}

// attrSet holds the attributes of one span, each name once, in the order they came.
type attrSet struct {
	values *Values
	list   []Attr
	// at finds an attribute in list by its Sym, if span is that of the place.
	at   []place
	span uint32
	// numbers are the Syms of <name>.number.
	numbers map[intern.Sym]intern.Sym
}

type place struct{ span, index uint32 }

// reset forgets the payload.
func (s *attrSet) reset() {
	s.span = 0
	clear(s.at)
	clear(s.numbers)
	s.list = s.list[:0]
	if cap(s.list) > maxKept {
		s.list = nil
	}
	if cap(s.at) > maxKept {
		s.at = nil
	}
}

const (
	// attrsFree is how many attributes of a span are not worth counting before the span is written.
	attrsFree = 256
	// attrBytes is what one takes until then, in lists that grow, and in the span while it is written.
	attrBytes = 64
)

// maxKept is the largest capacity that is kept from one payload to the next.
const maxKept = 16 << 10

func (s *attrSet) begin() {
	s.span++
	s.list = s.list[:0]
}

// get finds the attribute with a name.
func (s *attrSet) get(key intern.Sym) *Attr {
	if int(key) < len(s.at) && s.at[key].span == s.span {
		return &s.list[s.at[key].index]
	}
	return nil
}

// set adds an attribute. A later one of the same name replaces an earlier one, and what was derived gives way to what the tracer
// wrote. When meta and metrics both have the name with different values, the number is called <name>.number.
func (s *attrSet) set(a Attr) {
	if old := s.get(a.Key); old != nil {
		s.merge(old, a)
		return
	}
	if len(s.list) >= attrsFree {
		s.values.Grow(attrBytes)
	}
	if int(a.Key) >= len(s.at) {
		bigger := make([]place, max(2*len(s.at), s.values.Len()))
		copy(bigger, s.at)
		s.at = bigger
	}
	s.at[a.Key] = place{span: s.span, index: uint32(len(s.list))}
	s.list = intern.Append(s.list, a)
}

func (s *attrSet) merge(old *Attr, a Attr) {
	switch {
	case a.derived && !old.derived:
	case old.derived || old.kind == a.kind || (old.kind != kindString && a.kind != kindString):
		*old = a
	case a.kind == kindString && old.numberText() == s.values.String(a.text()):
		// The number says the same and keeps its type.
	case old.kind == kindString && a.numberText() == s.values.String(old.text()):
		*old = a
	case a.kind == kindString:
		number := *old
		*old = a
		s.setNumber(number)
	default:
		s.setNumber(a)
	}
}

func (s *attrSet) setNumber(a Attr) {
	// Kept by Sym: in v0.5 and v1.0 one long name can be referred to by any number of spans.
	key, ok := s.numbers[a.Key]
	if !ok {
		key = s.values.Unique([]byte(s.values.String(a.Key) + ".number"))
		s.numbers[a.Key] = key
	}
	a.Key = key
	if old := s.get(key); old != nil {
		*old = a
		return
	}
	s.set(a)
}
