// Package datadogreceiver receives what Datadog tracers and agents send and hands it on as OTLP.
//
// A tracer needs no change: it finds a Datadog agent's trace intake on port 8126 and on a Unix socket, in every protocol version.
// 200 means that the pipeline accepted the whole request; anything else means that nothing of it was. A request is decoded in one
// walk over its bytes (internal/decode), within bounds that hold for hostile input, and is one ConsumeTraces.
package datadogreceiver
