package wire

import (
	"bytes"
	"context"
	"errors"

	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"
	xrequest "go.opentelemetry.io/collector/pdata/xpdata/request"

	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// Encoding is the queue's encoding of a signal's requests: exporterhelper's own
// envelope, so that a queue's files can be read by core's exporters and theirs by us.
type Encoding struct{ Signal *otlpwire.Signal }

// Marshal returns the stored form of a request.
func (Encoding) Marshal(_ context.Context, req xexporterhelper.Request) ([]byte, error) {
	r, ok := req.(*Request)
	if !ok {
		return nil, errors.New("store a request of another exporter")
	}
	if r.envelope != nil {
		return r.envelope, nil
	}
	return otlpwire.AppendMessage(bytes.Clone(otlpwire.EnvelopeStart), otlpwire.DataField, r.chunks...), nil
}

// Unmarshal reads the stored form. It has no error: exporterhelper deletes what it
// can't read. Bytes that are no OTLP are sent as they are; the backend refuses them
// and the retry policy keeps them.
func (e Encoding) Unmarshal(stored []byte) (context.Context, xexporterhelper.Request, error) {
	data, kept, ok := otlpwire.OpenEnvelope(stored)
	if !ok || data == nil && kept == nil {
		data, kept = stored, nil // of an older exporterhelper, or damaged
	}
	items, err := e.Signal.Count(data)
	if err != nil {
		items = max(1, items)
	}
	return restore(kept), newRequest(e.Signal, data, stored, items), nil
}

// restore returns the context that was stored beside a request.
func restore(kept []byte) context.Context {
	if len(kept) == 0 {
		return context.Background()
	}
	// An envelope without data: of it, pdata decodes the context alone.
	ctx, _, err := xrequest.UnmarshalTraces(otlpwire.AppendMessage(bytes.Clone(otlpwire.EnvelopeStart), otlpwire.ContextField, kept))
	if err != nil {
		return context.Background()
	}
	return ctx
}
