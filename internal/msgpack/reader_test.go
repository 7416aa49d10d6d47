package msgpack

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

func TestNumbersAreReadAsTracersWriteThem(t *testing.T) {
	for name, tc := range map[string]struct {
		in       []byte
		unsigned uint64
		signed   int64
		float    float64
		// Which of the three can't be read.
		noUnsigned, noSigned bool
	}{
		"fixint":          {in: []byte{0x07}, unsigned: 7, signed: 7, float: 7},
		"negative fixint": {in: []byte{0xff}, unsigned: math.MaxUint64, signed: -1, float: -1},
		"uint 8":          {in: msgp.AppendUint8(nil, 200), unsigned: 200, signed: 200, float: 200},
		"uint 64":         {in: msgp.AppendUint64(nil, math.MaxUint64), unsigned: math.MaxUint64, noSigned: true, float: math.MaxUint64},
		"int 64 as id":    {in: msgp.AppendInt64(nil, math.MinInt64), unsigned: 1 << 63, signed: math.MinInt64, float: math.MinInt64},
		"float 32":        {in: msgp.AppendFloat32(nil, 1.5), noUnsigned: true, noSigned: true, float: 1.5},
		"whole float":     {in: msgp.AppendFloat64(nil, 3), unsigned: 3, signed: 3, float: 3},
		"infinity":        {in: msgp.AppendFloat64(nil, math.Inf(1)), noUnsigned: true, noSigned: true, float: math.Inf(1)},
		"nil":             {in: []byte{0xc0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Reader{Buf: tc.in}
			u, err := r.Uint64()
			require.Equal(t, tc.noUnsigned, errors.Is(err, ErrType))
			require.Equal(t, tc.unsigned, u)
			r = Reader{Buf: tc.in}
			i, err := r.Int64()
			require.Equal(t, tc.noSigned, errors.Is(err, ErrType))
			if err == nil {
				require.Equal(t, tc.signed, i)
				require.Zero(t, r.Left())
			} else {
				require.Zero(t, r.Pos, "left unread")
			}
			r = Reader{Buf: tc.in}
			f, err := r.Float64()
			require.NoError(t, err)
			require.Equal(t, tc.float, f)
		})
	}
}

func TestStringsMayBeBinOrNil(t *testing.T) {
	for _, in := range [][]byte{msgp.AppendString(nil, "abc"), msgp.AppendBytes(nil, []byte("abc")), {0xda, 0, 3, 'a', 'b', 'c'}, {0xdb, 0, 0, 0, 3, 'a', 'b', 'c'}} {
		r := Reader{Buf: in}
		b, err := r.Bytes()
		require.NoError(t, err)
		require.Equal(t, "abc", string(b))
	}
	r := Reader{Buf: []byte{0xc0, 0x01}}
	b, err := r.Bytes()
	require.NoError(t, err)
	require.Empty(t, b)
	_, err = r.Bytes()
	require.ErrorIs(t, err, ErrType)
}

// Skip ends where tinylib/msgp's does, and refuses what that refuses, unless for its depth.
func FuzzSkip(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x91}, MaxDepth+2))
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xc7, 0xff, 0x01})
	f.Add(msgp.AppendMapStrStr(nil, map[string]string{"a": "b"}))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := Reader{Buf: in}
		err := r.Skip()
		rest, theirs := msgp.Skip(in)
		if errors.Is(err, ErrDepth) {
			return
		}
		if (err == nil) != (theirs == nil) {
			t.Fatalf("%x: we say %v, msgp says %v", in, err, theirs)
		}
		if err == nil && r.Left() != len(rest) {
			t.Fatalf("%x: we leave %d bytes, msgp %d", in, r.Left(), len(rest))
		}
	})
}
