// Package ddid reads trace and span ids as loggers write them, by a decision table that never guesses.
package ddid

import (
	"math/bits"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// maxIDLen bounds every id text before it is parsed: the longest legal form is 39 digits, and an id padded beyond this is not one.
const maxIDLen = 64

// KeyFamily says which world the name of a log's id field belongs to; it decides how an ambiguous value is read.
type KeyFamily uint8

const (
	// DatadogKey is a name only Datadog's log injection writes: dd.trace_id, dd_trace_id, contextMap.dd.trace_id and so on.
	DatadogKey KeyFamily = iota
	// BareKey is a name anybody writes: trace_id, span_id, traceId and so on. The form of the trace id tells whose it is.
	BareKey
)

// IDForm is the spelling a trace id was found in. The span id beside it is read accordingly.
type IDForm uint8

const (
	// Decimal64 is a decimal up to 2^64-1: only the low half of the id is known.
	Decimal64 IDForm = iota
	// Decimal128 is a decimal from 2^64 to 2^128-1 (Python before 3.0 with 128-bit logging).
	Decimal128
	// Hex64 is 16 hex digits, at least one of them a letter: only the low half of the id is known.
	Hex64
	// Hex128 is 32 hex digits.
	Hex128
)

// LogTraceID is a trace id read from a log.
type LogTraceID struct {
	High, Low uint64
	Form      IDForm
}

// Outcome is what became of one id text. Only Mapped comes with an id.
type Outcome uint8

const (
	// Absent is a value that says "no id": empty, zero, a placeholder. It is no error.
	Absent Outcome = iota
	// Mapped is an id that was read.
	Mapped
	// Invalid is a value that is no id in any known form.
	Invalid
	// OutOfRange is a whole number too large for an id.
	OutOfRange
	// PrecisionLoss is a floating-point number that may have lost digits of the id.
	PrecisionLoss
)

// String returns the outcome as metrics spell it.
func (o Outcome) String() string {
	switch o {
	case Absent:
		return "absent"
	case Mapped:
		return "mapped"
	case Invalid:
		return "invalid"
	case OutOfRange:
		return "out_of_range"
	case PrecisionLoss:
		return "precision_loss"
	}
	return "unknown"
}

// ParseLogTraceID reads a trace id as loggers write it. Surrounding blanks and quotes are ignored.
//
//	32 hex digits          the 128-bit id, even if all are 0-9: a decimal 128-bit id of today has 39 digits
//	digits up to 2^64-1    the low half (the high half is unknown, here 0)
//	digits up to 2^128-1   the 128-bit id
//	16 hex, one a letter   the low half, only under a DatadogKey
//
// It does not allocate.
func ParseLogTraceID(s string, key KeyFamily) (LogTraceID, Outcome) {
	s = trimLogID(s)
	if isPlaceholder(s) {
		return LogTraceID{}, Absent
	}
	if len(s) > maxIDLen {
		return LogTraceID{}, Invalid
	}
	if hi, lo, ok := ddcontext.ParseHex128(s); ok {
		return found(hi, lo, Hex128)
	}
	if allDigits(s) {
		if lo, ok := ddcontext.ParseUint64(s); ok {
			return found(0, lo, Decimal64)
		}
		hi, lo, ok := parseUint128(s)
		if !ok {
			return LogTraceID{}, OutOfRange
		}
		if hi != 0 {
			return found(hi, lo, Decimal128)
		}
		return found(0, lo, Decimal64)
	}
	if lo, ok := ddcontext.ParseHex64(s); ok && key == DatadogKey {
		return found(0, lo, Hex64)
	}
	return LogTraceID{}, Invalid
}

// ParseLogSpanID reads the span id that stands beside trace, in the same family of names. Surrounding blanks and quotes are ignored.
//
// Under a DatadogKey, 1 to 20 digits are a decimal and 16 hex digits with a letter are hex; 16 digits that repeat the end of a 32-digit
// trace id are hex too, for so nginx and httpd write a root span. Under a BareKey a 32-digit hex trace id is OpenTelemetry's, and
// the span id must be 16 hex digits; a decimal trace id is Datadog's, and the span id must be decimal.
//
// It does not allocate.
func ParseLogSpanID(s string, key KeyFamily, trace LogTraceID) (uint64, Outcome) {
	s = trimLogID(s)
	if isPlaceholder(s) {
		return 0, Absent
	}
	if len(s) > maxIDLen {
		return 0, Invalid
	}
	hex, isHex := ddcontext.ParseHex64(s)
	if key == BareKey && trace.Form == Hex128 {
		if !isHex {
			return 0, Invalid
		}
		return hex, Mapped
	}
	if allDigits(s) {
		if isHex && trace.Form == Hex128 && hex == trace.Low {
			return hex, Mapped
		}
		v, ok := ddcontext.ParseUint64(s)
		if !ok || len(s) > 20 {
			return 0, OutOfRange
		}
		return v, Mapped
	}
	if isHex && key == DatadogKey {
		return hex, Mapped
	}
	return 0, Invalid
}

// LogIDFromInt reads an id from an integer value. A negative value is the two's complement of an unsigned id, which is what pdata and the
// forward protocol make of one above 2^63-1; -1 alone is the usual word for "none".
func LogIDFromInt(v int64) (uint64, Outcome) {
	if v == 0 || v == -1 {
		return 0, Absent
	}
	return uint64(v), Mapped
}

// LogIDFromFloat reads an id from a floating-point value: whole and below 2^53, since from there on
// neighbouring ids share one value.
func LogIDFromFloat(v float64) (uint64, Outcome) {
	const shared = 1 << 53 // 2^53+1 is stored as this too
	switch {
	case v == 0:
		return 0, Absent
	case v >= shared:
		return 0, PrecisionLoss
	case v > 0 && v == float64(uint64(v)):
		return uint64(v), Mapped
	}
	return 0, Invalid // negative, fractional or not a number
}

func found(hi, lo uint64, form IDForm) (LogTraceID, Outcome) {
	return LogTraceID{High: hi, Low: lo, Form: form}, Mapped
}

func trimLogID(s string) string {
	// Nearly every id begins and ends with a digit. Asking first saves 10 to 15 ns of 70 for both ids of a log line.
	if s != "" && isHex(s[0]) && isHex(s[len(s)-1]) {
		return s
	}
	return strings.Trim(s, " \t\r\n\"'")
}

// isPlaceholder reports whether a trimmed value is one of the ways in which loggers say that there is no id.
func isPlaceholder(s string) bool {
	if s == "" || s == "-" {
		return true
	}
	if c := s[0] | 0x20; c == 'n' || c == 'u' || c == '(' {
		for _, word := range [...]string{"null", "none", "nil", "undefined", "(null)"} {
			if strings.EqualFold(s, word) {
				return true
			}
		}
	}
	// A logging pattern that nobody resolved: %X{dd.trace_id}, ${dd.trace_id}, ${dd:dd.trace_id}.
	if s[len(s)-1] == '}' && (strings.HasPrefix(s, "%X{") || strings.HasPrefix(s, "${")) {
		return true
	}
	return s[0] == '0' && strings.TrimLeft(s, "0") == ""
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isHex(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 5
}

// parseUint128 reads an unsigned decimal below 2^128, of ASCII digits only.
func parseUint128(s string) (hi, lo uint64, ok bool) {
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, 0, false
		}
		over, high := bits.Mul64(hi, 10)
		carry, low := bits.Mul64(lo, 10)
		var c1, c2, c3 uint64
		lo, c1 = bits.Add64(low, uint64(digit), 0)
		hi, c2 = bits.Add64(high, carry, c1)
		over, c3 = bits.Add64(over, 0, c2)
		if over|c3 != 0 {
			return 0, 0, false
		}
	}
	return hi, lo, s != ""
}
