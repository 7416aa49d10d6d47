// Package decode turns what Datadog tracers and agents send into OTLP traces, in one walk over the bytes.
//
// There is no tree of spans in between. One scratch span is filled, written to its place in ptrace.Traces and filled again, so the
// memory of a request is the memory of its result and of the strings in it, each kept once.
//
// Any input is safe: no declared length is believed, nesting and the numbers of spans and resources are bounded, and n bytes never
// allocate more than 1 MiB + 128n. A span that makes no sense is dropped and counted; only a message whose end can't be found is
// refused as a whole. Attributes come out in an order that depends on the bytes alone.
package decode
