package decode

import (
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/agent"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v04"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v05"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v07"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v10"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
)

// What a Decoder is made of, for its callers.
type (
	// Options bound and shape what is decoded.
	Options = sink.Options
	// Headers is what a request says about its sender beside the payload. Empty fields are unknown.
	Headers = sink.Headers
	// Stats is what was counted while decoding.
	Stats = sink.Stats
	// Root counts the chunks of a payload by the service and environment of their local root.
	Root = sink.Root
	// Mode says which names attributes get.
	Mode = translate.Mode
)

// Modes, reasons and errors, for its callers too.
const (
	Semantic = translate.Semantic
	Lossless = translate.Lossless
	Both     = translate.Both

	DropNil       = sink.DropNil
	DropMalformed = sink.DropMalformed
	DropNoID      = sink.DropNoID
)

var (
	// ErrTooManySpans refuses a payload that would build more than Options.MaxSpans.
	ErrTooManySpans = sink.ErrTooManySpans
	// ErrTooManyResources refuses a payload with too many different resources.
	ErrTooManyResources = sink.ErrTooManyResources
	// DropReasons are the names of the reasons, as metrics say them.
	DropReasons = sink.DropReasons
)

// Format is the protocol version of a payload.
type Format uint8

// The formats. V03 and V04 are the same bytes.
const (
	V04 Format = iota
	// V01 is a flat array of spans, JSON only.
	V01
	V05
	V07
	V10
	AgentPayload
)

// readers read the formats.
var readers = [...]func([]byte, *sink.Sink) error{
	V04: v04.Traces, V01: v04.JSONSpans, V05: v05.Traces, V07: v07.Payload, V10: v10.Payload, AgentPayload: agent.Payload,
}

// IsJSON tells JSON from MessagePack by its first byte.
func IsJSON(body []byte) bool { return v04.IsJSON(body) }

// Decoder decodes one payload after the other and reuses its working memory. It is not safe for concurrent use.
type Decoder struct{ sink *sink.Sink }

// New makes a decoder.
func New(o Options) *Decoder { return &Decoder{sink: sink.New(o)} }

// ChargeTo sets Options.Charge for the payloads that follow. Nil is nobody.
func (d *Decoder) ChargeTo(charge func(bytes int) error) { d.sink.ChargeTo(charge) }

// Decode reads one payload. The result keeps no reference to body. Stats are valid with an error too.
// ErrTooManySpans and ErrTooManyResources say the payload is too large, any other error that it can't be read at
// all, or that it has spans and none of them can be kept.
func (d *Decoder) Decode(format Format, body []byte, h Headers) (ptrace.Traces, Stats, error) {
	if int(format) >= len(readers) {
		return ptrace.NewTraces(), Stats{}, fmt.Errorf("unknown format %d", format)
	}
	if uint64(len(body)) > math.MaxUint32 {
		return ptrace.NewTraces(), Stats{}, fmt.Errorf("payload has %d bytes, more than 4 GiB", len(body))
	}
	read := readers[format]
	if format == V04 && v04.IsJSON(body) {
		read = v04.JSONTraces
	}
	d.sink.Begin(len(body), h)
	err := d.read(read, body)
	td := d.sink.End()
	if err == nil {
		err = d.sink.Nothing()
	}
	return td, d.sink.Stats(), err
}

// read has body read. What Options.Charge refuses ends it wherever it is.
func (d *Decoder) read(read func([]byte, *sink.Sink) error, body []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = sink.Stopped(r)
		}
	}()
	return read(body, d.sink)
}

// Roots are those of the payload decoded last, if Options.Roots asked for them.
func (d *Decoder) Roots() []Root { return d.sink.Roots() }
