// Package convert turns events into spans, log records and metric points. It
// is pure: what it writes follows from the event and its place alone.
package convert
