// Package rumlinkprocessor joins logs, spans and user sessions while they pass.
//
// A log learns which span, trace, service, session and user action it belongs
// to, also when all it carries is the low half of a trace id or a business
// key. A span learns how many logs and errors it had. One processor id is used
// in the traces and in the logs pipelines; all of them share one store, bounded
// in entries, bytes and time.
//
// Nothing is guessed: where two answers are possible, none is given, and the
// case is counted. Nothing is overwritten: ids on a record stand, and RUM data
// adds attributes only where there were none. Without waiting (the default)
// nothing is held back and nothing is delayed; with it, what is held is bounded
// and leaves in time, and with storage it survives a crash.
package rumlinkprocessor
