package otlpgrpc

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/grpc/encoding"
	grpcgzip "google.golang.org/grpc/encoding/gzip"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/compress"
)

// gRPC knows one compressor a name in the whole process. Its own for gzip is the
// standard library's at level 6, a third of an exporter's CPU.
func init() { encoding.RegisterCompressor(newGzip()) }

type gzipCompressor struct{ writers, readers sync.Pool }

func newGzip() *gzipCompressor {
	c := &gzipCompressor{}
	c.writers.New = func() any {
		w, _ := gzip.NewWriterLevel(nil, compress.DefaultGzipLevel) // a constant, valid level
		return &gzipWriter{Writer: w, pool: &c.writers}
	}
	return c
}

func (*gzipCompressor) Name() string { return grpcgzip.Name }

func (c *gzipCompressor) Compress(to io.Writer) (io.WriteCloser, error) {
	w := c.writers.Get().(*gzipWriter)
	w.Reset(to)
	return w, nil
}

func (c *gzipCompressor) Decompress(from io.Reader) (io.Reader, error) {
	r, ok := c.readers.Get().(*gzipReader)
	if !ok {
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, err
		}
		return &gzipReader{Reader: z, pool: &c.readers}, nil
	}
	if err := r.Reset(from); err != nil {
		c.readers.Put(r)
		return nil, err
	}
	return r, nil
}

// gzipWriter goes back to its pool when it is closed.
type gzipWriter struct {
	*gzip.Writer
	pool *sync.Pool
}

func (w *gzipWriter) Close() error {
	defer w.pool.Put(w)
	return w.Writer.Close()
}

// gzipReader goes back to its pool when gRPC closes it.
type gzipReader struct {
	*gzip.Reader
	pool *sync.Pool
}

func (r *gzipReader) Close() error {
	defer r.pool.Put(r)
	return r.Reader.Close()
}
