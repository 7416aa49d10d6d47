package otlpwire

import "bytes"

// The queue stores exporterhelper's own envelope:
//
//	field 1  fixed32  format version, 1
//	field 3  bytes    the request
//	field 2  bytes    the context: span, client's metadata and address
//
// https://pkg.go.dev/go.opentelemetry.io/collector/pdata/xpdata/request
const (
	ContextField = 2
	DataField    = 3
)

// EnvelopeStart is field 1 of an envelope.
var EnvelopeStart = []byte{0x0d, 1, 0, 0, 0}

// OpenEnvelope returns the request and the encoded context that a queue stored. ok is
// false for other bytes, such as the bare request of an older exporterhelper.
func OpenEnvelope(stored []byte) (request, context []byte, ok bool) {
	rest, ok := bytes.CutPrefix(stored, EnvelopeStart)
	if !ok {
		return nil, nil, false
	}
	for len(rest) > 0 {
		f, after, err := Next(rest)
		if err != nil {
			return nil, nil, false
		}
		rest = after
		switch f.Number {
		case DataField:
			request = f.Content
		case ContextField:
			context = f.Content
		}
	}
	return request, context, true
}
