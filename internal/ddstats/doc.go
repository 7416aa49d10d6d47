// Package ddstats counts spans for Datadog's APM statistics: hits, errors and durations by service, name, resource and what else
// Datadog tells apart, in buckets of 10 s, as a Datadog Agent counts them.
//
// A batch is counted before anything of it is sampled out (Count), and what was counted is added once whoever is next has taken the
// batch (Add): a refused batch that is sent again is counted once. Buckets are handed on some time after their end (Close), each
// under a time of its own, because Datadog keeps of several values with one host, time and key only the last. Spans that come later
// get another bucket.
//
// Libraries: sketches-go for the distributions, datadog-agent's pkg/proto for the payload, its pkg/trace/stats as oracle in tests.
package ddstats
