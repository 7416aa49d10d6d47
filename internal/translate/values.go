package translate

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Values holds what the attributes of one payload refer to: its strings, and those values that are bytes, lists or maps.
type Values struct {
	*intern.Table
	nested []pcommon.Value
}

// NewValues returns Values whose strings begin with the names this package knows.
func NewValues() *Values { return &Values{Table: intern.NewTable(knownNames)} }

// Reset forgets the payload.
func (v *Values) Reset() {
	v.Table.Reset()
	clear(v.nested)
	v.nested = v.nested[:0]
	if cap(v.nested) > maxKept {
		v.nested = nil
	}
}

// Nested returns an attribute that is a list or a map, or bytes. The value is moved to where Put writes it first.
func (v *Values) Nested(key intern.Sym, value pcommon.Value) Attr {
	v.nested = intern.Append(v.nested, value)
	return Attr{Key: key, kind: kindNested, bits: uint64(len(v.nested) - 1)}
}

// BytesAttr returns an attribute that is a copy of b.
func (v *Values) BytesAttr(key intern.Sym, b []byte) Attr {
	value := pcommon.NewValueBytes()
	value.Bytes().FromRaw(b)
	return v.Nested(key, value)
}

// Put writes the value of a.
func (v *Values) Put(a Attr, to pcommon.Value) {
	switch a.kind {
	case kindString:
		to.SetStr(v.String(a.text()))
	case kindInt:
		to.SetInt(int64(a.bits))
	case kindFloat:
		to.SetDouble(math.Float64frombits(a.bits))
	case kindBool:
		to.SetBool(a.bits != 0)
	case kindNested:
		v.nested[a.bits].MoveTo(to)
	}
}

// PutCopy is Put for a value that goes to several places.
func (v *Values) PutCopy(a Attr, to pcommon.Value) {
	if a.kind == kindNested {
		v.nested[a.bits].CopyTo(to)
		return
	}
	v.Put(a, to)
}
