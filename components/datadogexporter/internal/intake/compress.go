package intake

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Compressor compresses bodies. It may be used by many goroutines.
type Compressor struct {
	// Encoding is the Content-Encoding of the result, empty for none.
	Encoding string
	zstd     *zstd.Encoder
}

// NewCompressor returns one for zstd, gzip or none.
func NewCompressor(encoding string) (*Compressor, error) {
	switch encoding {
	case "zstd":
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return nil, fmt.Errorf("create zstd encoder: %w", err)
		}
		return &Compressor{Encoding: encoding, zstd: enc}, nil
	case "gzip":
		return &Compressor{Encoding: encoding}, nil
	case "none", "":
		return &Compressor{}, nil
	}
	return nil, fmt.Errorf("compression must be zstd, gzip or none, got %q", encoding)
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

// Compress returns the compressed body.
func (c *Compressor) Compress(raw []byte) ([]byte, error) {
	switch c.Encoding {
	case "zstd":
		return c.zstd.EncodeAll(raw, make([]byte, 0, len(raw)/4)), nil
	case "gzip":
		var out bytes.Buffer
		w := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(w)
		w.Reset(&out)
		if _, err := w.Write(raw); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		return out.Bytes(), nil
	}
	return raw, nil
}
