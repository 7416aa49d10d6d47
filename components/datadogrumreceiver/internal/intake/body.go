package intake

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

var (
	errTooLarge = errors.New("body is larger than max_request_body_size")
	errBusy     = errors.New("as many bodies are in memory as max_in_flight_bytes allows")
	errEncoding = errors.New("content encoding is none of deflate, gzip, identity")
)

// bodyReader collects a body as a string, up to a bound of its own and a budget
// it shares with all the others.
type bodyReader struct {
	strings.Builder
	max    int64
	taken  int64
	budget *atomic.Int64
}

// Write implements io.Writer.
func (b *bodyReader) Write(p []byte) (int, error) {
	if int64(b.Len()+len(p)) > b.max {
		return 0, errTooLarge
	}
	b.taken += int64(len(p))
	if b.budget.Add(-int64(len(p))) < 0 {
		return 0, errBusy
	}
	return b.Builder.Write(p)
}

// release gives the budget back. The strings that were read may live on in what
// was handed to the pipelines, which have bounds of their own.
func (b *bodyReader) release() { b.budget.Add(b.taken) }

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// readFrom reads all of src.
func (b *bodyReader) readFrom(src io.Reader) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	_, err := io.CopyBuffer(struct{ io.Writer }{b}, struct{ io.Reader }{src}, *buf)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	return err
}

// encodings lists what must be undone to read a body, in that order: first the
// transport's, then the SDK's own, which browsers announce in the query.
func encodings(header, query string) ([]string, error) {
	var list []string
	for _, text := range []string{header, query} {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "", "identity":
		case "deflate", "zlib":
			list = append(list, "deflate")
		case "gzip", "x-gzip":
			list = append(list, "gzip")
		default:
			return nil, errEncoding
		}
	}
	return list, nil
}

// decode undoes the encodings of raw into out.
func decode(raw string, list []string, out *bodyReader) error {
	var src io.Reader = strings.NewReader(raw)
	for i, name := range list {
		var err error
		if name == "gzip" {
			src, err = gzip.NewReader(src)
		} else {
			src, err = inflater(src, raw, i == 0)
		}
		if err != nil {
			return fmt.Errorf("decode %s: %w", name, err)
		}
	}
	if err := out.readFrom(src); err != nil {
		if errors.Is(err, errTooLarge) || errors.Is(err, errBusy) {
			return err
		}
		return fmt.Errorf("decode body: %w", err)
	}
	return nil
}

// inflater reads a zlib stream, which is what HTTP calls deflate, or a bare
// deflate stream, which is what some clients send.
func inflater(src io.Reader, raw string, first bool) (io.Reader, error) {
	if first && (len(raw) < 2 || raw[0]&0x0f != 8 || (uint(raw[0])<<8|uint(raw[1]))%31 != 0) {
		return flate.NewReader(src), nil
	}
	return zlib.NewReader(src)
}
