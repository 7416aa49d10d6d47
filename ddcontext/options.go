package ddcontext

// Style is one spelling of trace context.
type Style string

// The styles a propagator can be given.
const (
	Datadog      Style = "datadog"      // x-datadog-trace-id and its companions
	TraceContext Style = "tracecontext" // W3C traceparent and tracestate
	B3           Style = "b3"           // Zipkin's single header
	B3Multi      Style = "b3multi"      // Zipkin's x-b3-* headers
)

// Behavior says what becomes of a context found in a carrier.
type Behavior uint8

const (
	// Continue makes the incoming span the parent.
	Continue Behavior = iota
	// Restart leaves the parent as it was and offers the incoming span as a link, see LinksFromContext.
	Restart
	// Ignore reads nothing.
	Ignore
)

// Missing is what to assume when a context comes without a sampling priority: the sender has not decided.
type Missing uint8

const (
	// Sampled is the default. OpenTelemetry knows no undecided parent, and a flag of 0 would make every ParentBased sampler drop the trace.
	Sampled Missing = iota
	// NotSampled makes ParentBased samplers drop what nobody decided on.
	NotSampled
)

// Kinds of trouble told to the function given to WithErrorHandler. The first five are the values of Datadog's tag _dd.propagation_error.
const (
	ErrorExtractMaxSize  = "extract_max_size"    // x-datadog-tags too long: all tags dropped, ids kept
	ErrorDecoding        = "decoding_error"      // x-datadog-tags malformed: all tags dropped but a good _dd.p.tid, ids kept
	ErrorInjectMaxSize   = "inject_max_size"     // x-datadog-tags would be too long: only the trace id's upper half is sent
	ErrorEncoding        = "encoding_error"      // an origin that no header can carry was not sent
	ErrorMalformedTID    = "malformed_tid"       // _dd.p.tid unreadable: dropped alone, the 64-bit id stands
	ErrorPriority        = "malformed_priority"  // priority unreadable: as if none had come
	ErrorOrigin          = "origin_max_size"     // origin longer than 256 bytes: dropped
	ErrorTracestate      = "tracestate_max_size" // tracestate or its dd member too long to read, or too small for all that should be written to it
	ErrorUnknownStyle    = "unknown_style"       // New was given a style that does not exist, and left it out
	ErrorZeroLowHalf     = "zero_low_half"       // a W3C id whose low half is 0 has no Datadog id: no Datadog headers were written
	ErrorInvalidContext  = "invalid_context"     // ids were there and unreadable: the style was passed over
	ErrorMismatchedTrace = "mismatched_trace"    // two styles name different traces: the later one became a link
)

// Option changes a propagator made by New.
type Option func(*propagator)

// WithStyles sets the styles to read, in this order, and to write. The default is Datadog, TraceContext.
func WithStyles(styles ...Style) Option {
	return func(p *propagator) { p.styles = append([]Style(nil), styles...) }
}

// WithExtractFirst stops reading at the first style that has a valid context, so a W3C tracestate beside Datadog headers is not taken over.
func WithExtractFirst() Option {
	return func(p *propagator) { p.extractFirst = true }
}

// WithBehavior says what becomes of an incoming context. The default is Continue.
func WithBehavior(b Behavior) Option {
	return func(p *propagator) { p.behavior = b }
}

// WithMissingPriority says what to assume when the sender has not decided. The default is Sampled.
func WithMissingPriority(m Missing) Option {
	return func(p *propagator) { p.missing = m }
}

// WithTagsMaxLength bounds x-datadog-tags, 0 to 512 bytes in and out; 0 neither reads nor writes it. The default is 512, values outside are
// brought inside.
func WithTagsMaxLength(n int) Option {
	return func(p *propagator) { p.maxTags = max(0, min(n, MaxTagsLength)) }
}

// WithStrip is for the edge of an organisation. Ids cross it, and the W3C sampled flag; a stranger's priority, origin and tags are not taken in,
// and one's own origin and tags (which may name a user) do not go out.
func WithStrip() Option {
	return func(p *propagator) { p.strip = true }
}

// WithErrorHandler sets a function that is told one of the Error constants for everything dropped or passed over. It is called on the
// request's goroutine and must be safe for concurrent use: count, don't block.
func WithErrorHandler(handle func(kind string)) Option {
	return func(p *propagator) {
		if handle != nil {
			p.report = handle
		}
	}
}
