//go:generate mdatagen metadata.yaml

// Package datadogexporter sends traces, APM statistics, logs and metrics to Datadog's own intakes, as a Datadog Agent would.
//
// What it acknowledged is lost by nothing but a full queue that refuses: each request is sent inside the sending queue's own
// attempt, and its answer decides whether the queue lets go of it. What can't be worked out again from a queued request, such as
// statistics and differences of cumulative sums, is worked out before the queue and committed once the queue has taken the request.
//
// The package is the walk: what is mapped, grouped, cut, converted and sent is in internal/, each part with its own state.
package datadogexporter
