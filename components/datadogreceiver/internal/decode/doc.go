// Package decode turns what Datadog tracers and agents send into OTLP traces, in one walk over the bytes.
//
// A package for each version of the protocol (v04, v05, v07, v10, agent) reads a body into a sink.Sink, which has one span at a time:
// translate makes a pdata span of its fields, the sink puts it where it belongs. There is no tree of spans in between, so the memory
// of a request is the memory of its result and of the strings in it, each kept once.
//
// Any input is safe: no declared length is believed, nesting and the numbers of spans and resources are bounded, and n bytes never
// allocate more than 1 MiB + 128n. A span that makes no sense is dropped and counted; only a message whose end can't be found is
// refused as a whole. Attributes come out in an order that depends on the bytes alone.
package decode
