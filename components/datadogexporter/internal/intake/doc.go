// Package intake sends requests to Datadog and says what the answers mean.
//
// A request is sent once per call, in the caller's goroutine: nothing is queued here, so that whoever holds the data knows its fate.
package intake
