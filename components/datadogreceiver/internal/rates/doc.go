// Package rates answers tracers with the share of new traces they should keep, by service and environment.
//
// Some tracers look their rate up under exactly the service and environment of their spans, so every pair that was seen is answered
// under its own key. A pair has the rate of the most exact entry that was configured for it; pairs without an entry share a budget of
// traces per second, if there is one, by the loop of the Datadog agent.
package rates

import "time"

// Entry fixes a rate. An empty Service or Env means any.
type Entry struct {
	Service, Env string
	Rate         float64
}

// Options configure a Table.
type Options struct {
	Entries []Entry
	// Budget is about how many traces a second all pairs without an entry keep together. 0 leaves them at 1.
	Budget float64
	// DefaultEnv is the environment of spans that name none.
	DefaultEnv string
	// MaxPairs bounds the pairs that are remembered. The one not seen for the longest is forgotten first.
	MaxPairs int
}

// Root is what was seen of one pair in a payload.
type Root struct {
	Service, Env string
	// Traces is how many of its traces a rate decides about. Traces that a user or a rule decided about do not count.
	Traces float64
}

// Answer is the answer to an accepted payload.
type Answer struct {
	// Body is `{"rate_by_service":{"service:,env:":1}}`. dd-trace-js logs an error on every flush if the key is missing.
	Body []byte
	// Version changes with the body only. A tracer sends it back to be spared the same body.
	Version string
}

const (
	// bucket is how long traces are counted together. It is also how often rates of a budget change.
	bucket = 5 * time.Second
	// numBuckets is how many buckets are remembered.
	numBuckets = 6
	// maxRise bounds how much a rate rises from one bucket to the next.
	maxRise = 1.2
	// patience is how long a new pair may wait for its key, so that a burst of them does not build a body for each.
	patience = time.Second
	// maxBody bounds the body.
	maxBody = 128 << 10
	// maxName bounds the names that are remembered.
	maxName = 200
)
