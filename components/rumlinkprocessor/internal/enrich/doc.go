// Package enrich writes what the index answered onto logs and spans: marks that
// say how a log was linked, counts and events on a span, the attributes of the
// user, and links of orphans.
//
// Nothing here knows state or locks: a function is given a record and an
// answer, and returns what it did, for the caller to count. Nothing is
// overwritten: what a record, or an earlier hop, has said stands.
package enrich
