// Package parking is where data waits: logs for the span that completes them,
// spans for their late logs.
//
// A Queue holds Items, each a part of a batch as OTLP bytes, until what one of
// them wants arrives, until its time is over, until the bytes are needed for
// others, or until the shutdown, whichever is first. One goroutine hands them
// on, in order of arrival among those that leave together. With a journal an
// item is in the storage before Park returns, and until the next consumer has
// accepted it; a start after a crash takes it up again.
//
// The queue counts and logs nothing: it says what happened through Reports.
package parking
