package ddcontext

import (
	"encoding/binary"
	"math/bits"
)

// maxIDLen bounds every id text before it is parsed: the longest legal form is 39 digits, and an id padded beyond this is not one.
const maxIDLen = 64

const hexDigits = "0123456789abcdef"

// ParseUint64 reads an unsigned decimal of ASCII digits, 0 to 2^64-1, leading zeros allowed, at most 64 characters.
// Signs, blanks, underscores, exponents, hexadecimal and other scripts' digits are refused. Zero is a number here; that it is no id is
// for the caller to say. With false comes 0, here and from the parsers below: half an id must not be taken for a whole one.
func ParseUint64(s string) (uint64, bool) {
	hi, lo, ok := parseUint128(s)
	if !ok || hi != 0 {
		return 0, false
	}
	return lo, true
}

// parseUint128 reads an unsigned decimal below 2^128 under the rules of ParseUint64.
func parseUint128(s string) (hi, lo uint64, ok bool) {
	if s == "" || len(s) > maxIDLen {
		return 0, 0, false
	}
	// 19 digits fit in 64 bits whatever they are; only longer texts pay for the wide arithmetic.
	head := min(len(s), 19)
	for i := range head {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, 0, false
		}
		lo = lo*10 + uint64(digit)
	}
	for i := head; i < len(s); i++ {
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
	return hi, lo, true
}

// ParseTID reads `_dd.p.tid`, the upper 64 bits of a trace id: exactly 16 lower-case hex digits, not all zero.
// Anything else is no upper half: the 64-bit id stands alone, and the bad text must not be passed on.
func ParseTID(s string) (uint64, bool) {
	v, ok := parseLowerHex64(s)
	return v, ok && v != 0
}

// ParseHex64 reads exactly 16 hex digits of either case; zero is accepted.
func ParseHex64(s string) (uint64, bool) {
	v, class := parseHex64(s)
	if class&notHex != 0 {
		return 0, false
	}
	return v, true
}

func parseLowerHex64(s string) (uint64, bool) {
	v, class := parseHex64(s)
	if class&(notHex|upperHex) != 0 {
		return 0, false
	}
	return v, true
}

// parseHex64 returns the number and what classes of characters it met besides 0-9 and a-f.
func parseHex64(s string) (v uint64, class byte) {
	if len(s) != 16 {
		return 0, notHex
	}
	for i := range 16 {
		digit := hexTable[s[i]]
		class |= digit
		v = v<<4 | uint64(digit&15)
	}
	return v, class
}

// ParseHex128 reads exactly 32 hex digits of either case; zero is accepted.
func ParseHex128(s string) (hi, lo uint64, ok bool) {
	if len(s) != 32 {
		return 0, 0, false
	}
	hi, high := parseHex64(s[:16])
	lo, low := parseHex64(s[16:])
	if (high|low)&notHex != 0 {
		return 0, 0, false
	}
	return hi, lo, true
}

// AppendHex64 appends v as exactly 16 lower-case hex digits: the form of `_dd.p.tid`, of a W3C span id, of half a W3C trace id.
func AppendHex64(dst []byte, v uint64) []byte {
	var digits [16]byte
	for i := range digits {
		digits[i] = hexDigits[v>>60]
		v <<= 4
	}
	return append(dst, digits[:]...)
}

// JoinTraceID makes the 16 bytes of a W3C trace id from its halves. The lower half is what Datadog calls the trace id.
func JoinTraceID(hi, lo uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id
}

// SplitTraceID is the inverse of JoinTraceID.
func SplitTraceID(id [16]byte) (hi, lo uint64) {
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
}

// SpanID makes the 8 bytes of a W3C span id from Datadog's number.
func SpanID(v uint64) (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], v)
	return id
}

// SpanIDUint64 is the inverse of SpanID.
func SpanIDUint64(id [8]byte) uint64 { return binary.BigEndian.Uint64(id[:]) }

// Classes of characters in hexTable, beside the value in the low four bits.
const (
	upperHex = 1 << 6
	notHex   = 1 << 7
)

var hexTable = func() (table [256]byte) {
	for c := range table {
		table[c] = notHex
	}
	for v := range byte(10) {
		table['0'+v] = v
	}
	for v := byte(10); v < 16; v++ {
		table['a'+v-10] = v
		table['A'+v-10] = v | upperHex
	}
	return table
}()
