package wire

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"

	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// Request is what the exporter's queue holds.
type Request struct {
	signal *otlpwire.Signal
	chunks [][]byte // encoded Export*ServiceRequest messages; together they are one
	size   int      // of the chunks
	items  int
	// envelope is what the queue stored, or is about to; a merged or cut request has none.
	envelope []byte
	// encoded is the compressed body, so that each attempt sends the same bytes.
	encoded []byte
}

var _ xexporterhelper.Request = (*Request)(nil)

func newRequest(s *otlpwire.Signal, data, envelope []byte, items int) *Request {
	return &Request{signal: s, chunks: [][]byte{data}, size: len(data), items: items, envelope: envelope}
}

// ItemsCount returns the number of spans, log records or data points.
func (r *Request) ItemsCount() int { return r.items }

// BytesSize returns the number of bytes before compression.
func (r *Request) BytesSize() int { return r.size }

// Chunks returns the request's bytes, in parts that follow each other.
func (r *Request) Chunks() [][]byte { return r.chunks }

// Encoded returns what encode makes of the request's bytes; it is called once,
// however often the request is sent.
func (r *Request) Encoded(encode func(chunks [][]byte, size int) ([]byte, error)) ([]byte, error) {
	if r.encoded == nil {
		b, err := encode(r.chunks, r.size)
		if err != nil {
			return nil, err
		}
		r.encoded = b
	}
	return r.encoded, nil
}

// MergeSplit appends other and cuts the result into parts of at most maxSize; 0
// never cuts. A request whose bytes can't be read stays whole, so that the backend
// judges it and what it refuses can be quarantined.
func (r *Request) MergeSplit(_ context.Context, maxSize int, by exporterhelper.RequestSizerType, other xexporterhelper.Request) ([]xexporterhelper.Request, error) {
	merged := r
	if other != nil {
		o, ok := other.(*Request)
		if !ok {
			return nil, fmt.Errorf("merge a request with a %T", other)
		}
		// The first request's own slice grows: it was merged here before, or has one chunk.
		merged = &Request{signal: r.signal, chunks: append(r.chunks, o.chunks...), size: r.size + o.size, items: r.items + o.items}
	}
	most := limit{size: maxSize, inBytes: by == exporterhelper.RequestSizerTypeBytes}
	size := merged.items
	if most.inBytes {
		size = merged.size
	}
	if by == exporterhelper.RequestSizerTypeRequests || maxSize <= 0 || size <= maxSize {
		return []xexporterhelper.Request{merged}, nil
	}
	parts, err := split(r.signal, merged.chunks, most)
	if err != nil || len(parts) < 2 {
		return []xexporterhelper.Request{merged}, nil //nolint:nilerr // stays whole, see above
	}
	requests := make([]xexporterhelper.Request, len(parts))
	for i, p := range parts {
		requests[i] = newRequest(r.signal, p.data, nil, p.items)
	}
	return requests, nil
}
