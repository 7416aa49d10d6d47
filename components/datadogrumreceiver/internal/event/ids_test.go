package event

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTraceIDInEverySpelling(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"browser, decimal", "12345678901234567890", "0000000000000000ab54a98ceb1f0ad2"},
		{"padded hex", "6720f3a8000000009a3c5d7e1f204b66", "6720f3a8000000009a3c5d7e1f204b66"},
		{"32 digits are hex", "67200000000000001234567890123456", "67200000000000001234567890123456"},
		{"iOS, unpadded upper half", "720f3a8000000009a3c5d7e1f204b66", "0720f3a8000000009a3c5d7e1f204b66"},
		{"upper case", "6720F3A8000000009A3C5D7E1F204B66", "6720f3a8000000009a3c5d7e1f204b66"},
		{"16 hex", "9a3c5d7e1f204b66", "00000000000000009a3c5d7e1f204b66"},
		{"128-bit decimal", "340282366920938463463374607431768211455", "ffffffffffffffffffffffffffffffff"},
		{"33 digits", "100000000000000000000000000000000", "000004ee2d6d415b85acef8100000000"},
		{"digits beyond 64 bits are hex", "99999999999999999999", "00000000000099999999999999999999"},
		{"empty", "", ""},
		{"zero", "0", ""},
		{"zero hex", "00000000000000000000000000000000", ""},
		{"sign", "-1", ""},
		{"plus in a long number", "+00000000000000000000000000000000001", ""},
		{"word", "nonsense", ""},
		{"128 bits and one", "340282366920938463463374607431768211456", ""},
		{"hex too long", "a6720f3a8000000009a3c5d7e1f204b66", ""},
		{"too long", "1000000000000000000000000000000000000000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, ok := ParseTraceID(c.in)
			require.Equal(t, c.want != "", ok)
			if ok {
				require.Equal(t, c.want, id.String())
			}
		})
	}
}

func TestSpanIDUsesAll64Bits(t *testing.T) {
	id, ok := ParseSpanID("18446744073709551615")
	require.True(t, ok)
	require.Equal(t, "ffffffffffffffff", id.String())
	for _, bad := range []string{"", "0", "-1", "18446744073709551616", "abc"} {
		_, ok := ParseSpanID(bad)
		require.False(t, ok, bad)
	}
}

// The same id comes out on every collector, in every version: other systems may compute it too.
func TestActionSpanIDIsFixed(t *testing.T) {
	trace, ok := ParseTraceID("6720f3a8000000009a3c5d7e1f204b66")
	require.True(t, ok)
	id := ActionSpanID("a0000000-0000-4000-8000-0000000000aa", "ac000000-0000-4000-8000-000000000001", trace)
	require.Equal(t, "2f2c07c14a0f742a", id.String())
}
