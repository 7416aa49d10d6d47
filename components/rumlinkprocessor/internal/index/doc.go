// Package index is what rum_link knows: the spans, traces and business keys
// that have passed, how many logs each span had, and which logs were counted.
//
// It owns that state and answers with values: a Ref goes in and a Found, a
// Counted or a number of conflicts comes out. What becomes of an answer, and
// who counts it, is the caller's business. All pipelines of one processor id
// share one Index; it is safe for concurrent use and bounded in entries, bytes
// and time by package store.
package index
