// Package payload puts a batch of traces together as a Datadog Agent would send it, and cuts it into parts that the intake takes.
//
// It is pure: the same batch gives the same parts, so that a repeated request repeats itself. Each part knows which spans of the
// batch it holds, so that what was not delivered can be returned as a batch of its own.
package payload
