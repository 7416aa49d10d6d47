package inflate

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func gzipped(t testing.TB, s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// A streaming encoder states a window and no content size.
func zstdStream(t testing.TB, s string, options ...zstd.EOption) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	require.NoError(t, err)
	for _, c := range []byte(s) {
		_, err := w.Write([]byte{c})
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestMembersAndFramesEndToEndAreOneText(t *testing.T) {
	whole, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	for name, in := range map[string][]byte{
		"gzip":                append(gzipped(t, "one "), gzipped(t, "two")...),
		"zstd":                append(whole.EncodeAll([]byte("one "), nil), whole.EncodeAll([]byte("two"), nil)...),
		"zstd streams":        append(zstdStream(t, "one "), zstdStream(t, "two")...),
		"stream behind whole": append(whole.EncodeAll([]byte("one "), nil), zstdStream(t, "two")...),
		"none":                []byte("one two"),
	} {
		t.Run(name, func(t *testing.T) {
			// Twice: the second time through a pooled decompressor.
			for range 2 {
				r, release, err := Open(Detect(in), in)
				require.NoError(t, err)
				got, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, "one two", string(got))
				release()
			}
		})
	}
}

func TestBrokenInputIsAnErrorAndThePoolsStayGood(t *testing.T) {
	good := gzipped(t, "good")
	for _, in := range [][]byte{{0x1f, 0x8b}, append([]byte{0x1f, 0x8b}, bytes.Repeat([]byte{0xff}, 40)...), good[:len(good)-3], zstdStream(t, "some text")[:9]} {
		r, release, err := Open(Detect(in), in)
		if err == nil {
			_, err = io.ReadAll(r)
			release()
		}
		require.Error(t, err)
	}
	r, release, err := Open(Gzip, good)
	require.NoError(t, err)
	defer release()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "good", string(got))
}

func TestALargeWindowIsRefused(t *testing.T) {
	in := zstdStream(t, "text", zstd.WithWindowSize(16<<20))
	r, release, err := Open(Zstd, in)
	require.NoError(t, err)
	defer release()
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, zstd.ErrWindowSizeExceeded)
}
