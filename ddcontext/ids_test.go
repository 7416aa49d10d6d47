package ddcontext

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestParseUint64(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     uint64
		ok       bool
	}{
		{"smallest id", "1", 1, true},
		{"largest id", "18446744073709551615", math.MaxUint64, true},
		{"zero is a number, not an id", "0", 0, true},
		{"leading zeros are harmless", "0000000000000000000000000000000000042", 42, true},
		{"one above the range", "18446744073709551616", 0, false},
		{"a 128-bit decimal", "137860163871325129470123456789012345678", 0, false},
		{"empty", "", 0, false},
		{"hex", "ff", 0, false},
		{"hex prefix", "0x10", 0, false},
		{"negative: Go and Node read two's complement, Python, Ruby, .NET and Java refuse", "-1", 0, false},
		{"plus sign", "+1", 0, false},
		{"Python's int() takes underscores", "1_000", 0, false},
		{"Python's int() takes blanks", " 1", 0, false},
		{"Python's int() takes Arabic digits", "\u0661\u0662", 0, false},
		{"exponent", "1e3", 0, false},
		{"fraction", "1.0", 0, false},
		{"absurdly long", strings.Repeat("0", 65), 0, false},
	} {
		got, ok := ParseUint64(tc.in)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: ParseUint64(%q) = %d, %v; want %d, %v", tc.name, tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestParseTID(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     uint64
		ok       bool
	}{
		{"generated form: seconds and 8 zeros", "640cfd8d00000000", 0x640cfd8d00000000, true},
		{"all bits", "ffffffffffffffff", math.MaxUint64, true},
		{"zero is no upper half", "0000000000000000", 0, false},
		{"15 digits (system-tests: malformed)", "640cfd8d0000000", 0, false},
		{"17 digits (system-tests: malformed)", "640cfd8d000000000", 0, false},
		{"not hex (system-tests: malformed)", "640cfd8d0000000x", 0, false},
		{"upper case: Go refuses", "640CFD8D00000000", 0, false},
		{"0x counts towards 16", "0x640cfd8d000000", 0, false},
		{"sign counts towards 16", "-640cfd8d0000000", 0, false},
		{"blank counts towards 16", " 640cfd8d0000000", 0, false},
		{"empty", "", 0, false},
	} {
		got, ok := ParseTID(tc.in)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: ParseTID(%q) = %x, %v; want %x, %v", tc.name, tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestHalvesMakeTheWholeAndBack(t *testing.T) {
	id := JoinTraceID(0x0102030405060708, 0x090a0b0c0d0e0f10)
	if id != [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} {
		t.Errorf("JoinTraceID = %x", id)
	}
	if hi, lo := SplitTraceID(id); hi != 0x0102030405060708 || lo != 0x090a0b0c0d0e0f10 {
		t.Errorf("SplitTraceID = %x, %x", hi, lo)
	}
	if span := SpanID(0x0102030405060708); span != [8]byte{1, 2, 3, 4, 5, 6, 7, 8} || SpanIDUint64(span) != 0x0102030405060708 {
		t.Errorf("SpanID = %x", span)
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("18446744073709551615", uint64(1), uint64(2))
	f.Add("640cfd8d00000000", uint64(0), uint64(math.MaxUint64))
	f.Add("0af7651916cd43dd8448eb211c80319c", uint64(1)<<63, uint64(0))
	f.Add("0af7651916cd43dd8448eb211c80319x", uint64(1), uint64(1))
	f.Add("640CFD8D0000000x", uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, s string, hi, lo uint64) {
		if v, ok := ParseUint64(s); ok {
			if want, err := strconv.ParseUint(s, 10, 64); err != nil || want != v {
				t.Errorf("ParseUint64(%q) = %d, the standard library says %d, %v", s, v, want, err)
			}
		}
		if v, ok := ParseTID(s); ok && string(AppendHex64(nil, v)) != s {
			t.Errorf("ParseTID(%q) = %x does not format back", s, v)
		}
		if v, ok := ParseUint64(strconv.FormatUint(lo, 10)); !ok || v != lo {
			t.Errorf("decimal of %d does not parse back", lo)
		}
		if v, ok := ParseTID(string(AppendHex64(nil, hi))); ok != (hi != 0) || v != hi {
			t.Errorf("tid of %x does not parse back", hi)
		}
		if a, b, ok := ParseHex128(string(AppendHex64(AppendHex64(nil, hi), lo))); !ok || a != hi || b != lo {
			t.Errorf("hex of %x %x does not parse back", hi, lo)
		}
		decimal, isDecimal := ParseUint64(s)
		upper, isTID := ParseTID(s)
		hex, isHex := ParseHex64(s)
		if !isDecimal && decimal != 0 || !isTID && upper != 0 || !isHex && hex != 0 {
			t.Errorf("%q is refused with an id: decimal %d, tid %x, hex %x", s, decimal, upper, hex)
		}
		if a, b, ok := ParseHex128(s); !ok && a|b != 0 {
			t.Errorf("ParseHex128(%q) is refused with %x %x", s, a, b)
		}
		if a, b := SplitTraceID(JoinTraceID(hi, lo)); a != hi || b != lo {
			t.Errorf("halves of %x %x do not come back", hi, lo)
		}
	})
}
