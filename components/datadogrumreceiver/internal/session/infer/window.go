package infer

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
)

// An SDK links a request to an action only if it knows of one. iOS never links
// requests to custom actions, React Native reports a request when it is over,
// and state libraries report a mutation after the request it caused has begun.
// Within one session time says what belongs together: in the same view first,
// and else in any, because an action may change the view before its request
// begins. What is found that way is labelled, and two candidates are none.

// Config is the time window inside which an action and a request of the same session belong together.
type Config struct {
	// Sources are the values of `source` to infer for; empty switches inference off.
	Sources []string `mapstructure:"sources"`
	// Before is how long before a request's start its action may lie.
	Before time.Duration `mapstructure:"before"`
	// After is how long after a request's start its action may lie.
	After time.Duration `mapstructure:"after"`
	// Effect is how long after a request's end an action counts as its effect.
	Effect time.Duration `mapstructure:"effect"`
}

// clockGrain is how exactly an event's date is known: SDKs write milliseconds,
// but durations in nanoseconds, so an event may seem to begin before the end it followed.
const clockGrain = pcommon.Timestamp(time.Millisecond)

// Where is the place in which things belong together.
type Where struct {
	Session digest.Key
	View    digest.Key
}

// Action is an action that lately happened.
type Action struct {
	ID     string
	View   digest.Key
	At     pcommon.Timestamp
	Custom bool // made by the application, not by a finger: it can be an effect
}

// Request is a request that was sent lately.
type Request struct {
	View  digest.Key
	Trace pcommon.TraceID
	Span  pcommon.SpanID
	Start pcommon.Timestamp
	End   pcommon.Timestamp
	Root  bool // nothing caused it as far as was known
}

// Verdict is what time tells: the values of the metric's attribute result.
type Verdict uint8

// The verdicts.
const (
	None Verdict = iota
	Found
	Ambiguous
	Verdicts
)

func (v Verdict) String() string { return [...]string{"none", "found", "ambiguous"}[v] }

// window is Config ready for use.
type window struct {
	before, after, effect pcommon.Timestamp
}

func newWindow(cfg *Config) window {
	return window{
		before: pcommon.Timestamp(cfg.Before), after: pcommon.Timestamp(cfg.After), effect: pcommon.Timestamp(cfg.Effect),
	}
}

// cause finds the action nearest to a request's start. State libraries tell of
// a mutation just after the request it began, so it may lie after the start, but
// never after the end: that would be an effect. Two at the same distance are none.
func (w window) cause(actions []Action, view digest.Key, start, end pcommon.Timestamp) (best string, verdict Verdict) {
	for _, same := range []bool{true, false} {
		distance := pcommon.Timestamp(0)
		for i := range actions {
			a := &actions[i]
			if (a.View == view) != same || a.At+w.before < start || a.At > start+w.after || a.At > max(end, start)+clockGrain {
				continue
			}
			d := max(a.At, start) - min(a.At, start)
			switch {
			case verdict == None || d < distance:
				best, distance, verdict = a.ID, d, Found
			case d == distance && a.ID != best:
				verdict = Ambiguous
			}
		}
		if verdict != None {
			break
		}
	}
	return best, verdict
}

// origin finds the request that ended last before an action.
func (w window) origin(requests []Request, view digest.Key, at pcommon.Timestamp) (best Request, verdict Verdict) {
	for _, same := range []bool{true, false} {
		for i := range requests {
			r := &requests[i]
			if (r.View == view) != same || at+clockGrain < r.End || at > r.End+w.effect {
				continue
			}
			switch {
			case verdict == None || r.End > best.End:
				best, verdict = *r, Found
			case r.End == best.End && r.Span != best.Span:
				verdict = Ambiguous
			}
		}
		if verdict != None {
			break
		}
	}
	return best, verdict
}
