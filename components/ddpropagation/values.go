package ddpropagation

import (
	"errors"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// field is the value of an id field, out of attributes, JSON or text.
type field struct {
	kind  fieldKind
	text  string
	whole uint64
	// refused is why a value holds no id although its name says so.
	refused outcome
}

type fieldKind uint8

const (
	noField fieldKind = iota
	textField
	wholeField   // a whole number, exact
	refusedField // a number that is no id, or a boolean, list, map or bytes
)

func textOf(s string) field { return field{kind: textField, text: s} }

// fieldOf reads an attribute.
func fieldOf(v pcommon.Value) field {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return textOf(v.Str())
	case pcommon.ValueTypeInt:
		return wholeOf(ddid.LogIDFromInt(v.Int()))
	case pcommon.ValueTypeDouble:
		return wholeOf(ddid.LogIDFromFloat(v.Double()))
	case pcommon.ValueTypeEmpty:
		return textOf("")
	}
	return field{kind: refusedField, refused: invalid}
}

func wholeOf(v uint64, o ddid.Outcome) field {
	if o != ddid.Mapped {
		return field{kind: refusedField, refused: outcomeOf(o)}
	}
	return field{kind: wholeField, whole: v}
}

// numberOf reads a number as JSON writes it, digit by digit where it is whole.
func numberOf(literal string) field {
	if v, ok := ddcontext.ParseUint64(literal); ok {
		if v == 0 {
			return textOf("")
		}
		return field{kind: wholeField, whole: v}
	}
	if v, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return wholeOf(ddid.LogIDFromInt(v))
	}
	if isDigits(literal) {
		if len(literal) == 32 {
			return field{kind: refusedField, refused: outOfRange} // as a text it would be hex, which a number is not
		}
		return textOf(literal)
	}
	v, err := strconv.ParseFloat(literal, 64)
	if errors.Is(err, strconv.ErrRange) {
		return field{kind: refusedField, refused: outOfRange}
	}
	if err != nil {
		return field{kind: refusedField, refused: invalid}
	}
	return wholeOf(ddid.LogIDFromFloat(v))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (f field) traceID(family ddid.KeyFamily) (ddid.LogTraceID, outcome) {
	switch f.kind {
	case textField:
		id, o := ddid.ParseLogTraceID(f.text, family)
		return id, outcomeOf(o)
	case wholeField:
		return ddid.LogTraceID{Low: f.whole, Form: ddid.Decimal64}, mapped
	case refusedField:
		return ddid.LogTraceID{}, f.refused
	}
	return ddid.LogTraceID{}, absent
}

// spanID reads the span id beside trace. trace is the id in the same pair of names: its form tells how to read an ambiguous value.
func (f field) spanID(family ddid.KeyFamily, trace ddid.LogTraceID) (uint64, outcome) {
	switch f.kind {
	case textField:
		id, o := ddid.ParseLogSpanID(f.text, family, trace)
		return id, outcomeOf(o)
	case wholeField:
		if family == ddid.BareKey && trace.Form == ddid.Hex128 {
			return 0, invalid // OpenTelemetry's span ids are 16 hex digits, never a number
		}
		return f.whole, mapped
	case refusedField:
		return 0, f.refused
	}
	return 0, absent
}

func outcomeOf(o ddid.Outcome) outcome {
	switch o {
	case ddid.Mapped:
		return mapped
	case ddid.Absent:
		return absent
	case ddid.OutOfRange:
		return outOfRange
	case ddid.PrecisionLoss:
		return precisionLoss
	}
	return invalid
}
