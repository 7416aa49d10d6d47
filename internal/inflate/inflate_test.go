package inflate

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
)

func compress(t testing.TB, w io.WriteCloser, b []byte) {
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

// samples are text under every name New knows.
func samples(t testing.TB, text []byte) map[string][]byte {
	all := map[string][]byte{}
	put := func(name string, open func(io.Writer) io.WriteCloser) {
		var b bytes.Buffer
		compress(t, open(&b), text)
		all[name] = b.Bytes()
	}
	put("gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	put("zlib", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	put("deflate", func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f })
	put("zstd", func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z })
	put("x-snappy-framed", func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) })
	put("lz4", func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) })
	all["snappy"] = snappy.Encode(nil, text)
	return all
}

func all(name string, b []byte, o Options) ([]byte, error) {
	r, err := New(name, bytes.NewReader(b), o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestEveryEncodingIsReadBack(t *testing.T) {
	t.Parallel()
	for _, text := range [][]byte{[]byte("x"), bytes.Repeat([]byte("some text "), 50_000)} {
		for name, b := range samples(t, text) {
			for range 3 { // from the pool the second time
				var taken int64
				out, err := all(name, b, Options{MaxBytes: 1 << 20, Take: func(n int64) error { taken += n; return nil }})
				require.NoError(t, err, name)
				require.Equal(t, text, out, name)
				require.Positive(t, taken, name)
			}
		}
	}
	framed := samples(t, []byte("x"))["x-snappy-framed"]
	out, err := all("snappy", framed, Options{MaxBytes: 10, Take: func(int64) error { return nil }})
	require.NoError(t, err)
	require.Equal(t, "x", string(out))
	_, err = New("br", nil, Options{})
	require.ErrorContains(t, err, `content encoding "br" is none of gzip, x-gzip`)
	require.True(t, Known("GZIP"))
}

func TestNothingIsReadWithoutMemory(t *testing.T) {
	t.Parallel()
	none := errors.New("none left")
	for name, b := range samples(t, bytes.Repeat([]byte("some text "), 50_000)) {
		out, err := all(name, b, Options{MaxBytes: 1 << 20, Take: func(int64) error { return none }})
		require.ErrorIs(t, err, none, name)
		require.Empty(t, out, name)
	}
}

// window is a zstd frame that asks for 2^log bytes of window and holds n zeros.
func window(log, n int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, byte(log-10) << 3}
	for n > 0 {
		size := min(n, 128<<10)
		n -= size
		head := size<<3 | 1<<1 // run length
		if n == 0 {
			head |= 1
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return b
}

func TestAZstdWindowIsBounded(t *testing.T) {
	t.Parallel()
	free := Options{MaxBytes: 8 << 20, Take: func(int64) error { return nil }}
	out, err := all("zstd", window(20, 300_000), free)
	require.NoError(t, err)
	require.Len(t, out, 300_000)
	out, err = all("zstd", window(23, 300_000), free)
	require.NoError(t, err)
	require.Len(t, out, 300_000)
	for _, log := range []int{24, 27, 29} {
		_, err = all("zstd", window(log, 1000), free)
		require.Error(t, err)
	}
	// What was taken is for the first frame's window, so a later frame may not ask for more.
	_, err = all("zstd", append(window(18, 1000), window(23, 1000)...), free)
	require.Error(t, err)
	var taken int64
	_, err = all("zstd", window(23, 1000), Options{Take: func(n int64) error { taken += n; return nil }})
	require.NoError(t, err)
	require.GreaterOrEqual(t, taken, int64(MaxWindow))
}

func TestASnappyBlockSaysHowLongItIsBeforeItIsDecoded(t *testing.T) {
	t.Parallel()
	_, err := all("snappy", snappy.Encode(nil, make([]byte, 1<<20)), Options{MaxBytes: 1<<20 - 1, Take: func(int64) error { return nil }})
	require.ErrorIs(t, err, ErrTooLarge)
}

func FuzzInflate(f *testing.F) {
	for name, b := range samples(f, []byte("some text some text")) {
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		r, err := New(name, bytes.NewReader(b), Options{MaxBytes: 1 << 20, Take: func(int64) error { return nil }})
		if err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, r, 1<<20)
		_ = r.Close()
	})
}
