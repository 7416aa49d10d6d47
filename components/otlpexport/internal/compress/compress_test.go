package compress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configcompression"
)

func TestBodiesAreTheChunksJoined(t *testing.T) {
	t.Parallel()
	chunks := [][]byte{[]byte("one"), []byte(" and "), bytes.Repeat([]byte("two"), 1000)}
	want := bytes.Join(chunks, nil)
	for _, compression := range []configcompression.Type{"", "none", "gzip", "zstd"} {
		for level := range 4 {
			c, err := New(compression, level)
			require.NoError(t, err)
			for range 3 { // the second time with a used writer
				body, err := c.Encode(chunks, len(want))
				require.NoError(t, err)
				require.Equal(t, want, decoded(t, c.ContentEncoding, body), "%s %d", compression, level)
			}
		}
	}
}

func decoded(t *testing.T, encoding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(r)
		require.NoError(t, err)
		r = z
	case "zstd":
		z, err := zstd.NewReader(r)
		require.NoError(t, err)
		defer z.Close()
		r = z
	}
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

func TestOtherCompressionsAndLevelsAreErrors(t *testing.T) {
	t.Parallel()
	_, err := New("gzip", 99)
	require.Error(t, err)
	_, err = New("snappy", 0)
	require.Error(t, err)
	require.False(t, Supports("snappy"))
	require.True(t, Supports("none"))
}

// BenchmarkEncode stands beside the standard library's gzip at its default level,
// which core's exporters use. Its input is generated: ids and numbers vary, names repeat.
func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for range 1000 {
		text = fmt.Appendf(text, `{"trace":"%016x%016x","span":"%016x","name":"GET /cart/%d","ms":%d,"service":"shop","status":200}`, r.Uint64(), r.Uint64(), r.Uint64(), r.IntN(500), r.IntN(9000))
	}
	run := func(name string, encode func() int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = encode()
			}
			b.ReportMetric(float64(n)/1000, "B/item")
		})
	}
	for _, c := range []struct {
		compression configcompression.Type
		level       int
	}{{"gzip", 0}, {"gzip", 6}, {"zstd", 0}} {
		codec, err := New(c.compression, c.level)
		require.NoError(b, err)
		run(fmt.Sprintf("%s-%d", c.compression, c.level), func() int {
			body, err := codec.Encode([][]byte{text}, len(text))
			require.NoError(b, err)
			return len(body)
		})
	}
	run("standard-gzip", func() int {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(text)
		_ = w.Close()
		return out.Len()
	})
}
