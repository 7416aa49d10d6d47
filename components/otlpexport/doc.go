// Package otlpexport holds OTLP exporters whose queued request is the wire
// bytes: factories of the collector core's own types otlp_http and otlp_grpc,
// with core's configuration and behaviour.
//
// What core's exporters decode and encode again behind the queue, these count,
// join and cut as bytes. A queue's files can be read by either. What they don't
// do themselves (JSON, profiles, compressions other than gzip and zstd over
// HTTP) they hand to core's factory.
package otlpexport
