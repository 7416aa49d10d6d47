package bytestr

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersAreThoseOfEncodingBinary(t *testing.T) {
	b := []byte("\x01\x82\x03\x84\x05\x86\x07\x88 and more")
	require.Equal(t, binary.LittleEndian.Uint64(b), Uint64(b))
	require.Equal(t, Uint64(b), Uint64(string(b)))
	require.Equal(t, binary.LittleEndian.Uint32(b), Uint32(b))
	require.Equal(t, Uint32(b), Uint32(string(b)))
}

// Every place of the first difference, and every way to end, around each of the steps.
func TestCommonPrefixEndsAtTheFirstDifference(t *testing.T) {
	for size := range 150 {
		a := strings.Repeat("x", size)
		require.Equal(t, size, CommonPrefix(a, a))
		for end := range size {
			b := a[:end] + "y" + a[end+1:]
			require.Equal(t, end, CommonPrefix(a, b))
			require.Equal(t, end, CommonPrefix([]byte(a), []byte(b)))
			require.Equal(t, end, CommonPrefix(a, a[:end]))
			require.Equal(t, end, CommonPrefix(a[:end], a))
		}
	}
}
