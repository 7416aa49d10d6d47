// Package ddstatsconnector counts spans for Datadog's APM statistics and hands the spans on.
//
// It stands before whatever leaves spans out, so that the statistics are of all of them. What it hands on is marked as counted, so
// that nobody counts it again. A batch is counted once the next component has taken it.
package ddstatsconnector
