// Package sink builds ptrace.Traces of payloads, chunks and spans, whichever wire version they are read from.
//
// A reader begins a payload, a chunk or a span, fills what the Sink shows it and ends it. Spans are written to the result one by one
// when they end; what is known only at the end of their chunk or payload, ids and resources, is completed then.
package sink

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/translate"
)

// Options bound and shape what is built.
type Options struct {
	// Mode says which names attributes get. Empty is translate.Both.
	Mode translate.Mode
	// KeepEncoding notes on every span how its links, events and integers came.
	KeepEncoding bool
	// MaxSpans bounds the spans of a result.
	MaxSpans int
	// Roots collects the local roots, see Sink.Roots.
	Roots bool
	// Now is the clock, for spans without a start. Nil is time.Now.
	Now func() time.Time
	// Charge, if set, is called with an estimate of the memory the result grew by, in steps of about ChargeStep bytes while it is
	// built. Its error ends the building and is returned as it is.
	Charge func(bytes int) error
}

// ChargeStep is about how many bytes a result grows between two calls of Options.Charge.
const ChargeStep = 64 << 10

// What a span and its attributes take in the result, for Options.Charge: what pdata allocates on a 64-bit machine, rounded up.
const (
	spanBytes = 512
	attrBytes = 64
)

const (
	// MaxShared bounds the attributes of a chunk or payload, which go to spans and resources one by one.
	MaxShared = 64
	// MaxResources bounds resources, because one costs some 2 KB whatever its span did on the wire. Real payloads have a few.
	MaxResources = 256
	// maxCarriers bounds how many traces one chunk is searched for. A chunk is one trace.
	maxCarriers = 8
	// maxKept is the largest working memory that is kept from one payload to the next.
	maxKept = 64 << 10
	// sampledFlag is the bit of W3C trace flags that says the trace is kept.
	sampledFlag = 1
)

var (
	// ErrTooManySpans refuses a payload that would build more than Options.MaxSpans.
	ErrTooManySpans = errors.New("payload has more spans than max_spans_per_request")
	// ErrTooManyResources refuses a payload with more than MaxResources different resources.
	ErrTooManyResources = fmt.Errorf("payload has more than %d different services, environments and versions", MaxResources)
)

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

// Stats is what was counted while building.
type Stats struct {
	Chunks  int
	Spans   int
	Dropped [numDropReasons]int
	translate.Unreadable
}
