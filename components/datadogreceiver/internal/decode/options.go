package decode

import (
	"errors"
	"fmt"
	"time"
)

// Mode says which names attributes get.
type Mode string

// The modes.
const (
	// Semantic writes OpenTelemetry's semantic conventions and leaves out what only Datadog reads.
	Semantic Mode = "semantic"
	// Lossless writes Datadog's names, as Datadog's exporter reads them.
	Lossless Mode = "lossless"
	// Both writes both.
	Both Mode = "both"
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

// Options bound and shape what is decoded.
type Options struct {
	Mode     Mode
	MaxSpans int
	Now      func() time.Time
}

// Headers is what a request says about its sender beside the payload. Empty fields are unknown.
type Headers struct {
	Lang, LangVersion, Interpreter, TracerVersion string
	ContainerID, PodUID, ContainerName            string
	ProcessTags                                   string
	StatsComputed                                 bool
}

// DropReason is why a span of a payload is not in the result.
type DropReason uint8

// The reasons.
const (
	// DropNil is a nil where a span is due.
	DropNil DropReason = iota
	// DropMalformed is a span that is no map, or a field of it that has the wrong type.
	DropMalformed
	// DropNoID is a span without a span id or trace id.
	DropNoID
	numDropReasons
)

// DropReasons are the names of the reasons, as metrics say them.
var DropReasons = [numDropReasons]string{"nil", "malformed", "no_id"}

// Stats is what was counted while decoding.
type Stats struct {
	Chunks  int
	Spans   int
	Dropped [numDropReasons]int
	// Values of span links, span events and `_dd.p.tid` that could not be read. The texts of the first two stay attributes.
	BadLinks, BadEvents, BadTIDs int
	// Attributes of v1.0 whose value is not of the type it says, and those of a chunk or payload beyond maxSharedAttrs.
	BadAttributes int
}

var (
	// ErrTooManySpans refuses a payload that would build more than Options.MaxSpans.
	ErrTooManySpans = errors.New("payload has more spans than max_spans_per_request")
	// ErrTooManyResources refuses a payload with more than maxResources different resources.
	ErrTooManyResources = fmt.Errorf("payload has more than %d different services, environments and versions", maxResources)
)

// maxSharedAttrs bounds the attributes of a chunk or payload, which go to spans and resources one by one.
const maxSharedAttrs = 64

// maxResources bounds resources, because one costs some 2 KB whatever its span did on the wire. Real payloads have a few.
const maxResources = 256
