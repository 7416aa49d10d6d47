package jsonlog

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/json"
)

// number writes a JSON number to v. No digit is lost: an integer that fits is an
// int64, a larger one the text as written (so a 64-bit trace id stays whole);
// a number with a fraction or an exponent is a double when the double gives
// back the digits that were written, and the text as written otherwise.
func number(n json.Num, v pcommon.Value) {
	text := string(n)
	if !strings.ContainsAny(text, ".eE") {
		if i, ok := n.Int64(); ok {
			v.SetInt(i)
		} else {
			v.SetStr(text)
		}
		return
	}
	mantissa := text
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		mantissa = text[:e]
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && givesBack(f, mantissa) {
		v.SetDouble(f)
	} else {
		v.SetStr(text)
	}
}

const (
	// exactDigits is how many decimal digits every double gives back unchanged.
	exactDigits = 15
	// longestExact bounds the comparison; an exact double may have up to 767
	// digits, but nobody logs them.
	longestExact = 64
)

// givesBack reports whether f, written with as many digits as mantissa has,
// shows the same ones.
func givesBack(f float64, mantissa string) bool {
	if len(mantissa) <= exactDigits && (f >= 1e-300 || f <= -1e-300) {
		return true
	}
	digits := significant(mantissa)
	switch {
	case digits == "":
		return true // nothing but zeros
	case f == 0, len(digits) > longestExact:
		return false // smaller than any double, or finer than one
	}
	back, _, _ := strings.Cut(strconv.FormatFloat(f, 'e', len(digits)-1, 64), "e")
	return significant(back) == digits
}

// significant returns the digits of a decimal number without its sign, point,
// leading and trailing zeros.
func significant(mantissa string) string {
	mantissa = strings.TrimPrefix(mantissa, "-")
	if whole, fraction, found := strings.Cut(mantissa, "."); found {
		mantissa = whole + fraction
	}
	return strings.Trim(mantissa, "0")
}
