package obfuscation

import (
	"strconv"
	"strings"
)

// Hidden replaces a card number.
const Hidden = "?"

const (
	fewestDigits = 12
	longestCard  = 64 // digits, blanks and dashes
)

// IsCard reports whether the text of an attribute is a card number as a whole.
func (o *Obfuscator) IsCard(key, text string) bool {
	if len(text) < fewestDigits || len(text) > longestCard || !o.cfg.CreditCards.Enabled {
		return false
	}
	if c := text[0]; c != ' ' && c != '-' && (c < '0' || c > '9') {
		return false
	}
	return !isID(key) && !isTime(text) && o.lib.ObfuscateCreditCardNumber(key, text) == Hidden
}

// isTime reports whether a text may be the time in milli- or microseconds: 13 or 16 digits that begin with 1. No issuer's numbers do, though the
// library takes them for such.
func isTime(text string) bool { return text[0] == '1' && (len(text) == 13 || len(text) == 16) }

// IsCardNumber does for a number what IsCard does for a text. Numbers are mostly sizes and times, so the check digit must be right in any case.
func (o *Obfuscator) IsCardNumber(key string, v int64) bool {
	if v < 1e12 || v >= 1e16 || !o.cfg.CreditCards.Enabled || !hasCheckDigit(v) {
		return false
	}
	return o.IsCard(key, strconv.FormatInt(v, 10))
}

// hasCheckDigit reports whether the last digit is the one that Luhn's sum asks for.
func hasCheckDigit(v int64) bool {
	sum := int64(0)
	for double := false; v > 0; v, double = v/10, !double {
		digit := v % 10
		if double {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}

// isID reports whether a key names a trace or span id, which may be any number.
func isID(key string) bool {
	return strings.HasSuffix(key, "trace_id") || strings.HasSuffix(key, "span_id") || strings.HasSuffix(key, "trace.id") ||
		strings.HasSuffix(key, "span.id") || strings.HasSuffix(key, "parent_id") || strings.HasSuffix(key, "parent.id")
}
