// Package ddspan turns spans of OpenTelemetry into spans of Datadog, as a Datadog Agent would send them.
//
// A span that a Datadog tracer made is copied: nothing is derived, names that the datadog receiver added are left out, names it
// replaced are put back. Any other span goes through DataDog's own mapping, and what that spoils is mended.
//
// The statistics of ddstats and the Datadog exporter both use it, so what is counted is what is sent. It keeps no state but the
// options; all functions may be called by many goroutines.
//
// Libraries: datadog-agent's pkg/trace/transform, traceutil and opentelemetry-mapping-go/otlp/attributes, for their tables.
package ddspan
