package translate

import "github.com/otelcol-obs/otelcol-obs/ddcontext"

// ParseID reads an id that a tracer wrote as text: up to 32 hexadecimal digits, of which leading zeros may be left out, as
// dd-trace-java 1.34 does. 17 to 20 decimal digits are a decimal number: that is no length of a 64-bit id in hexadecimal, and the
// upper half of a 128-bit one begins with the time, so it has no leading zeros.
func ParseID(text string) (high, low uint64, ok bool) {
	const digits = 16
	switch n := len(text); {
	case n == 0 || n > 2*digits:
		return 0, 0, false
	case n <= digits:
		low, ok = parseHex(text)
		return 0, low, ok
	case n <= 20:
		if low, ok = ddcontext.ParseUint64(text); ok {
			return 0, low, true
		}
	}
	high, ok = parseHex(text[:len(text)-digits])
	if !ok {
		return 0, 0, false
	}
	low, ok = parseHex(text[len(text)-digits:])
	if !ok {
		return 0, 0, false
	}
	return high, low, true
}

// parseHex reads 1 to 16 hexadecimal digits.
func parseHex(text string) (uint64, bool) {
	const zeros = "0000000000000000"
	return ddcontext.ParseHex64(zeros[:len(zeros)-len(text)] + text)
}
