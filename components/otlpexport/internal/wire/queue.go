package wire

import (
	"bytes"
	"context"
	"errors"

	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"
	xrequest "go.opentelemetry.io/collector/pdata/xpdata/request"
)

// The queue stores exporterhelper's own envelope, so that its files can be read
// by core's exporters and theirs by us:
//
//	field 1  fixed32  format version, 1
//	field 3  bytes    the request
//	field 2  bytes    the context: span, client's metadata and address
//
// https://pkg.go.dev/go.opentelemetry.io/collector/pdata/xpdata/request
const (
	contextField = 2
	dataField    = 3
)

var envelopeStart = []byte{0x0d, 1, 0, 0, 0}

// Encoding is the queue's encoding of a signal's requests.
type Encoding struct{ Signal *Signal }

// Marshal returns the stored form of a request.
func (Encoding) Marshal(_ context.Context, req xexporterhelper.Request) ([]byte, error) {
	r, ok := req.(*Request)
	if !ok {
		return nil, errors.New("store a request of another exporter")
	}
	if r.envelope != nil {
		return r.envelope, nil
	}
	return appendMessage(bytes.Clone(envelopeStart), dataField, r.chunks...), nil
}

// Unmarshal reads the stored form. It has no error: exporterhelper deletes what it
// can't read. Bytes that are no OTLP are sent as they are; the backend refuses them
// and the retry policy keeps them.
func (e Encoding) Unmarshal(stored []byte) (context.Context, xexporterhelper.Request, error) {
	data, kept := stored, []byte(nil)
	if rest, ok := bytes.CutPrefix(stored, envelopeStart); ok { // else stored by an older exporterhelper
		if inner, ctx, ok := open(rest); ok {
			data, kept = inner, ctx
		}
	}
	items, err := e.Signal.Count(data)
	if err != nil {
		items = max(1, items)
	}
	return restore(kept), newRequest(e.Signal, data, stored, items), nil
}

// open returns the request and the context of an envelope, in whichever order they are.
func open(envelope []byte) (data, kept []byte, ok bool) {
	for len(envelope) > 0 {
		f, rest, err := next(envelope)
		if err != nil {
			return nil, nil, false
		}
		envelope = rest
		switch f.number {
		case dataField:
			data, ok = f.content, true
		case contextField:
			kept = f.content
		}
	}
	return data, kept, ok || kept != nil
}

// restore returns the context that was stored beside a request.
func restore(kept []byte) context.Context {
	if len(kept) == 0 {
		return context.Background()
	}
	// An envelope without data: of it, pdata decodes the context alone.
	ctx, _, err := xrequest.UnmarshalTraces(appendMessage(bytes.Clone(envelopeStart), contextField, kept))
	if err != nil {
		return context.Background()
	}
	return ctx
}
