package msgpack

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

func TestTheScannerTellsWhereTheElementsOfAMessageBegin(t *testing.T) {
	message := msgp.AppendArrayHeader(nil, 3)
	message = msgp.AppendString(message, "tag")
	second := len(message)
	message = msgp.AppendMapHeader(message, 1)
	message = msgp.AppendString(message, "key")
	message = msgp.AppendString(message, string(bytes.Repeat([]byte("v"), 300)))
	third := len(message)
	message = msgp.AppendInt(message, 1<<40)
	for piece := 1; piece <= len(message); piece++ {
		var s Scanner
		at := 0
		for at < len(message) {
			n, done, err := s.Feed(message[at:min(at+piece, len(message))])
			require.NoError(t, err)
			at += n
			require.Equal(t, at == len(message), done)
		}
		require.Equal(t, []int{1, second, third}, s.Elements[:3])
		require.Equal(t, 6, s.Values)
	}
}

func TestTheScannerLeavesWhatFollows(t *testing.T) {
	var s Scanner
	n, done, err := s.Feed([]byte{0x91, 0x01, 0x02})
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, 2, n)
	s.Reset()
	n, done, err = s.Feed([]byte{0xc0})
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, 1, n)
}

func TestTheScannerWaitsForDeclaredBytesWithoutAllocating(t *testing.T) {
	for name, in := range map[string][]byte{
		"str":   {0xdb, 0xff, 0xff, 0xff, 0xff},
		"bin":   {0x92, 0xa1, 't', 0xc6, 0xff, 0xff, 0xff, 0xff},
		"ext":   {0xc9, 0xff, 0xff, 0xff, 0xff, 0x00},
		"array": {0xdd, 0xff, 0xff, 0xff, 0xff, 0x01},
		"map":   {0xdf, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			var s Scanner
			require.Zero(t, testing.AllocsPerRun(10, func() {
				s.Reset()
				if _, done, err := s.Feed(in); done || err != nil {
					t.Fatal(done, err)
				}
			}))
		})
	}
}

func TestTheScannerBoundsNesting(t *testing.T) {
	var s Scanner
	_, done, err := s.Feed(append(bytes.Repeat([]byte{0x91}, MaxDepth), 0x01))
	require.NoError(t, err)
	require.True(t, done)
	s.Reset()
	_, _, err = s.Feed(bytes.Repeat([]byte{0x91}, MaxDepth+1))
	require.ErrorIs(t, err, ErrDepth)
	s.Reset()
	_, _, err = s.Feed([]byte{0x92, 0xc1})
	require.ErrorIs(t, err, ErrInvalid)
}

// In pieces and whole give the same, and both end where Skip ends.
func FuzzScanner(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x91}, MaxDepth+2), 1)
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff}, 2)
	f.Add([]byte{0xc7, 0x02, 0x01, 0x00, 0x00}, 3)
	f.Add([]byte{0x90}, 1)
	f.Add(msgp.AppendMapStrStr(nil, map[string]string{"a": "b"}), 1)
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		piece = 1 + (piece&0x7fffffff)%16
		var whole, pieces Scanner
		n, done, err := whole.Feed(in)
		at, doneInPieces := 0, false
		var errInPieces error
		for at < len(in) && !doneInPieces && errInPieces == nil {
			var m int
			m, doneInPieces, errInPieces = pieces.Feed(in[at:min(at+piece, len(in))])
			at += m
		}
		if n != at || done != doneInPieces || !errors.Is(err, errInPieces) || whole.Values != pieces.Values || whole.Elements != pieces.Elements {
			t.Fatalf("%x: whole %d %v %v, in pieces of %d: %d %v %v", in, n, done, err, piece, at, doneInPieces, errInPieces)
		}
		r := Reader{Buf: in}
		skipErr := r.Skip()
		if done && (skipErr != nil || r.Pos != n) {
			t.Fatalf("%x: the scanner ends at %d, Skip at %d with %v", in, n, r.Pos, skipErr)
		}
		if skipErr == nil && !done && !errors.Is(err, ErrDepth) {
			t.Fatalf("%x: Skip reads a value and the scanner says %v", in, err)
		}
	})
}
