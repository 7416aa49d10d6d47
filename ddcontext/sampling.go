package ddcontext

import (
	"math"
	"strings"
)

// Datadog's sampling priorities. Others occur; above zero means keep.
const (
	PriorityUserReject = -1
	PriorityAutoReject = 0
	PriorityAutoKeep   = 1
	PriorityUserKeep   = 2
)

// Decision makers: the number behind the hyphen of `_dd.p.dm`.
const (
	DecidedByDefault     = 0
	DecidedByAgentRate   = 1
	DecidedByRemoteRate  = 2
	DecidedByRule        = 3
	DecidedManually      = 4
	DecidedByAppSec      = 5
	DecidedByRemoteUser  = 6
	DecidedBySingleSpan  = 8
	DecidedByOTLPIngest  = 9
	DecidedByDataJobs    = 10
	DecidedByRemoteRule  = 11
	DecidedByDynamicRule = 12
)

// ParsePriority reads a sampling priority: a decimal integer of up to 9 digits with an optional minus.
func ParsePriority(s string) (int, bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 9 {
		return 0, false
	}
	v, ok := ParseUint64(digits)
	if !ok {
		return 0, false
	}
	if len(digits) < len(s) {
		return -int(v), true
	}
	return int(v), true
}

// ParseDecisionMaker reads `_dd.p.dm`: `-N`, or the 8 hex digits of a service hash before it. The hyphen separates, it is no minus:
// the mechanism of "-4" is 4.
func ParseDecisionMaker(s string) (mechanism int, ok bool) {
	hash, number, found := strings.Cut(s, "-")
	if !found || hash != "" && len(hash) != 8 || len(number) == 0 || len(number) > 3 {
		return 0, false
	}
	for i := range len(hash) {
		if hexTable[hash[i]]&notHex != 0 {
			return 0, false
		}
	}
	v, ok := ParseUint64(number)
	return int(v), ok
}

// knuthFactor is the multiplier of Datadog's trace id hash, the same in all tracers, the agent and the browser.
const knuthFactor = 1111111111111111111

// SampledByRate is the decision Datadog's tracers take for a trace at a rate from 0 to 1. It looks at the low half of the trace id only, so
// every service at the same rate decides alike. A rate of 1 or more keeps all; 0, a negative rate and NaN keep none.
func SampledByRate(traceIDLow uint64, rate float64) bool {
	switch {
	case rate >= 1:
		return true
	case rate > 0:
		return traceIDLow*knuthFactor <= uint64(rate*math.MaxUint64)
	}
	return false
}
