// Package translate turns the fields of Datadog spans into OpenTelemetry's: names, kinds, attributes, status, links and events.
//
// The datadog receiver fills a Translator from every version of the wire protocol. Traces does the same to spans that a Datadog SDK
// sent over OTLP under Datadog's names, so that one service has the same span names whichever way its spans come.
//
// A Translator belongs to one goroutine and is used for one span after the other. Its strings are numbers of an intern.Table: the
// names that mean something here are the first of it, so that choosing by name is a switch.
//
// Libraries: ddcontext, for ids.
package translate

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

// Attributes other packages write or read beside this one.
const (
	// AttrPriority is the sampling decision: above 0 the trace is kept.
	AttrPriority = "_sampling_priority_v1"
	// AttrDecisionMaker is who took it, as "-" and a number.
	AttrDecisionMaker = "_dd.p.dm"
	// AttrTraceIDHigh is the upper half of the trace id in 16 hexadecimal digits.
	AttrTraceIDHigh = "_dd.p.tid"
	// AttrOrigin is where a trace began if that matters: synthetics, rum, lambda.
	AttrOrigin = "_dd.origin"
	// AttrBaseService is the service of the process, where the span's service is another.
	AttrBaseService = "_dd.base_service"
	// AttrEncoding says how parts of the span came, as the sum of the Encoding constants. It is written only on request.
	AttrEncoding = "_dd.enc"
)

// What AttrEncoding adds up.
const (
	// EncodingNativeLinks are span links that came as a field, not as the text `_dd.span_links`.
	EncodingNativeLinks = 1 << iota
	// EncodingNativeEvents are span events that came as a field, not as the text `events`.
	EncodingNativeEvents
	// EncodingTypedIntegers are attributes that came as integers. Others were read from texts.
	EncodingTypedIntegers
)

// OnlyDatadog reports whether an attribute means nothing to other backends.
func OnlyDatadog(key string) bool {
	const dd, priority = "_dd.", "_sampling_priority"
	return len(key) >= len(dd) && key[:len(dd)] == dd || len(key) >= len(priority) && key[:len(priority)] == priority
}

// Options shape what a Translator writes.
type Options struct {
	// Mode is Both when empty.
	Mode Mode
	// KeepEncoding writes AttrEncoding.
	KeepEncoding bool
}

// Unreadable counts values that made no sense.
type Unreadable struct {
	// Span links, span events and upper halves of trace ids. The texts of the first two stay attributes.
	BadLinks, BadEvents, BadTIDs int
	// Attributes whose value is not of the type it says, and those of a chunk or payload beyond a limit.
	BadAttributes int
}
