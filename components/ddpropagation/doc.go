//go:generate mdatagen metadata.yaml

// Package ddpropagation makes the trace identity of spans and logs one, however a Datadog tracer or library spelled it.
//
// Spans whose upper 64 bits travel in the attribute `_dd.p.tid` get their full 128-bit id, and so do the other spans and
// links of the same trace. Log records get the ids their logger wrote into attributes or the body.
//
// The processor never drops, never edits what it cannot read, never overwrites an existing id and never writes a guessed one. Running it
// twice gives what running it once gives, and the order of spans in a batch does not matter. Every id it looked at is counted by outcome.
package ddpropagation
