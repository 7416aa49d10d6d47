//go:generate mdatagen metadata.yaml

// Package ddsampler obeys the sampling decisions that Datadog's tracers put on their spans, decides about traces that nobody decided about,
// and writes what was decided where OpenTelemetry keeps it, so that every backend gets the same traces and can count what was left out.
//
// A trace gets one verdict, from what every chunk of it carries: priority, decision maker, rate, tracestate and id, never from the content of
// single spans. What is dropped is acknowledged and counted. Everything else about a span stays as it is.
package ddsampler
