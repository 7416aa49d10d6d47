package jsonmode

import (
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

func TestJSONBecomesMessagePack(t *testing.T) {
	got, err := ToMessagePack([]byte(`["t", 1, {"log": "a\"é", "n": -5, "big": 18446744073709551615, "huge": 184467440737095516150, "f": 1.5, "x": null, "b": [true, {}]}, {"chunk":"c1"}]`))
	require.NoError(t, err)
	var s msgpack.Scanner
	n, done, err := s.Feed(got)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, len(got), n)
	long := func(c, n byte, rest Raw) Raw { return append(Raw{c, 0, 0, 0, n}, rest...) }
	want := long(0xdd, 4, Values("t", 1, long(0xdf, 7, Values("log", "a\"é", "n", -5, "big", uint64(18446744073709551615), "huge", "184467440737095516150", "f", 1.5, "x", nil, "b",
		long(0xdd, 2, Values(true, long(0xdf, 0, nil))))), long(0xdf, 1, Values("chunk", "c1"))))
	require.Equal(t, want, Raw(got))
	for _, in := range []string{`["t",1,{]`, `["t"`, `[1]x`, `["a":1]`, `{1:2}`} {
		_, err := ToMessagePack([]byte(in))
		require.Error(t, err, in)
	}
}

func TestTheScannerFindsTheEndInPieces(t *testing.T) {
	in := "\n [\"a]\\\"\", {\"b\":[1,\"}\"]}]rest"
	end := len(in) - len("rest")
	for piece := 1; piece <= len(in); piece++ {
		var s Scanner
		at := 0
		for {
			n, done, err := s.Feed([]byte(in[at:min(at+piece, len(in))]))
			require.NoError(t, err)
			if at += n; done {
				break
			}
		}
		require.Equal(t, end, at)
	}
	var s Scanner
	_, _, err := s.Feed([]byte(`"text"`))
	require.ErrorIs(t, err, ErrSyntax)
	s.Reset()
	_, _, err = s.Feed(make([]byte, 3))
	require.ErrorIs(t, err, ErrSyntax)
	s.Reset()
	deep := make([]byte, msgpack.MaxDepth+1)
	for i := range deep {
		deep[i] = '['
	}
	_, _, err = s.Feed(deep)
	require.ErrorIs(t, err, msgpack.ErrDepth)
}

func TestAcksAreJSON(t *testing.T) {
	require.Equal(t, "{\"ack\":\"a\\\"b\"}\n", string(Ack(Append(nil, `a"b`))))
	require.Equal(t, "{\"ack\":\"7\"}\n", string(Ack(Append(nil, 7))))
}

// What the scanner takes for one value either is one or an error, and never more than it.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`["t",1,{"log":"a"}]`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var s Scanner
		n, done, err := s.Feed(in)
		if err != nil || !done {
			return
		}
		out, err := ToMessagePack(in[:n])
		if err != nil {
			return
		}
		r := msgpack.Reader{Buf: out}
		if err := r.Skip(); err != nil || r.Left() != 0 {
			t.Fatalf("%q becomes %x: %v", in[:n], out, err)
		}
	})
}
