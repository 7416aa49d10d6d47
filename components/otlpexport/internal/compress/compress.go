// Package compress makes request bodies of the queue's bytes.
package compress

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/config/configcompression"
)

// DefaultGzipLevel is the level where the configuration names none: of OTLP it
// makes 7 % more bytes than level 6, for a third of the CPU (README).
const DefaultGzipLevel = 3

// Codec compresses bodies. It is safe for concurrent use.
type Codec struct {
	// ContentEncoding is the header's value, empty if bodies are not compressed.
	ContentEncoding string
	writers         sync.Pool
}

// writer is what gzip and zstd have in common.
type writer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Supports reports whether New knows a compression.
func Supports(t configcompression.Type) bool {
	return !t.IsCompressed() || t == configcompression.TypeGzip || t == configcompression.TypeZstd
}

// New returns the codec of a configuration. Level 0 is the default one: 3 for
// gzip, 1 for zstd.
func New(t configcompression.Type, level int) (*Codec, error) {
	c := &Codec{}
	switch {
	case !t.IsCompressed():
		return c, nil
	case t == configcompression.TypeGzip:
		if level == 0 {
			level = DefaultGzipLevel
		}
		if _, err := gzip.NewWriterLevel(nil, level); err != nil {
			return nil, err
		}
		c.ContentEncoding = "gzip"
		c.writers.New = func() any {
			w, _ := gzip.NewWriterLevel(nil, level) // the level was tried above
			return writer(w)
		}
	case t == configcompression.TypeZstd:
		speed := zstd.EncoderLevelFromZstd(max(level, 1))
		c.ContentEncoding = "zstd"
		c.writers.New = func() any {
			w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(speed))
			return writer(w)
		}
	default:
		return nil, fmt.Errorf("compression %q is not known here", t)
	}
	return c, nil
}

// slots bounds the bodies compressed at the same time, so that draining a backlog
// leaves half of the processors to the receivers.
var slots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// Encode returns the compressed form of the chunks joined, size bytes in all. The
// result is never reused: a transport may read it after the request has ended.
func (c *Codec) Encode(chunks [][]byte, size int) ([]byte, error) {
	if c.ContentEncoding == "" {
		if len(chunks) == 1 {
			return chunks[0], nil
		}
		return bytes.Join(chunks, nil), nil
	}
	slots <- struct{}{}
	defer func() { <-slots }()
	w := c.writers.Get().(writer)
	defer c.writers.Put(w)
	var out bytes.Buffer
	out.Grow(size/6 + 64)
	w.Reset(&out)
	for _, chunk := range chunks {
		if _, err := w.Write(chunk); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
