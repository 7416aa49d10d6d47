// Package ddcontext speaks Datadog's trace context for OpenTelemetry: the grammar of its ids, headers, tags and sampling decisions, and a
// propagation.TextMapPropagator for Go services that stand between services traced by Datadog's libraries.
//
//	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(
//		ddcontext.New(), // Datadog headers and W3C trace context, the first valid one wins
//		propagation.Baggage{},
//	))
//
// It promises:
//
//   - One trace. The 128-bit id is the id; Datadog's headers carry its low half and, in `_dd.p.tid`, the upper one.
//   - One decision. A sampling priority arrives at the next service as it came, unless the span in between was sampled otherwise.
//   - Nothing is guessed. An id that does not read as one leaves the context as it was; what is dropped is told to WithErrorHandler.
//   - Nothing is trusted. Every text is bounded, and no header is written that could end a header line.
//
// Everything here is safe for concurrent use. Only the standard library and the OpenTelemetry API are imported.
package ddcontext
