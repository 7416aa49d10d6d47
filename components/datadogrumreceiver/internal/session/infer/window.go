package datadogrumreceiver

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// An SDK links a request to an action only if it knows of one. iOS never links
// requests to custom actions, React Native reports a request when it is over,
// and state libraries report a mutation after the request it caused has begun.
// Within one view of one session time says what belongs together; what is
// found that way is labelled, and two candidates are none.

const (
	recentActionsPerView  = 16
	recentRequestsPerView = 32
)

// clockGrain is how exactly an event's date is known: SDKs write milliseconds,
// but durations in nanoseconds, so an event may seem to begin before the end it followed.
const clockGrain = pcommon.Timestamp(time.Millisecond)

type recentAction struct {
	id     string
	at     pcommon.Timestamp
	custom bool // made by the application, not by a finger: it can be an effect
}

type recentRequest struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
	start pcommon.Timestamp
	end   pcommon.Timestamp
	root  bool // nothing caused it as far as was known
}

// recentView is what lately happened in one view, newest last.
type recentView struct {
	actions  []recentAction
	requests []recentRequest
	touched  time.Time
}

type inferred uint8

const (
	inferNone inferred = iota
	inferFound
	inferAmbiguous
)

// window is InferConfig ready for use.
type window struct {
	before, after, effect pcommon.Timestamp
}

func newWindow(cfg *InferConfig) window {
	return window{
		before: pcommon.Timestamp(cfg.Before), after: pcommon.Timestamp(cfg.After), effect: pcommon.Timestamp(cfg.Effect), //nolint:gosec // validated
	}
}

// cause finds the action nearest to a request's start. State libraries tell of
// a mutation just after the request it began, so it may lie after the start, but
// never after the end: that would be an effect. Two at the same distance are none.
func (w window) cause(actions []recentAction, start, end pcommon.Timestamp) (string, inferred) {
	best, distance, verdict := "", pcommon.Timestamp(0), inferNone
	for _, a := range actions {
		if a.at+w.before < start || a.at > start+w.after || a.at > max(end, start)+clockGrain {
			continue
		}
		d := max(a.at, start) - min(a.at, start)
		switch {
		case verdict == inferNone || d < distance:
			best, distance, verdict = a.id, d, inferFound
		case d == distance && a.id != best:
			verdict = inferAmbiguous
		}
	}
	return best, verdict
}

// origin finds the request that ended last before an action.
func (w window) origin(requests []recentRequest, at pcommon.Timestamp) (recentRequest, inferred) {
	best, verdict := recentRequest{}, inferNone
	for _, r := range requests {
		if at+clockGrain < r.end || at > r.end+w.effect {
			continue
		}
		switch {
		case verdict == inferNone || r.end > best.end:
			best, verdict = r, inferFound
		case r.end == best.end && r.span != best.span:
			verdict = inferAmbiguous
		}
	}
	return best, verdict
}

// recentTable holds recentViews by tenant, session and view.
type recentTable struct {
	views map[digest]*recentView
	max   int
	ttl   time.Duration
}

func newRecentTable() *recentTable {
	return &recentTable{views: map[digest]*recentView{}, max: 10_000, ttl: 5 * time.Minute}
}

// touch returns the view of key, making it if need be.
func (t *recentTable) touch(key digest, now time.Time) *recentView {
	v := t.views[key]
	if v == nil {
		if len(t.views) >= t.max {
			t.makeRoom()
		}
		v = new(recentView)
		t.views[key] = v
	}
	v.touched = now
	return v
}

// makeRoom forgets the stalest of a few views; looking at all of them for each
// new one would cost more than the memory is worth.
func (t *recentTable) makeRoom() {
	var oldest digest
	var at time.Time
	looked := 0
	for key, v := range t.views {
		if looked == 0 || v.touched.Before(at) {
			oldest, at = key, v.touched
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(t.views, oldest)
}

func (t *recentTable) expire(now time.Time) {
	for key, v := range t.views {
		if now.Sub(v.touched) > t.ttl {
			delete(t.views, key)
		}
	}
}

func (v *recentView) addAction(a recentAction) {
	for _, known := range v.actions {
		if known.id == a.id {
			return
		}
	}
	v.actions = appendRecent(v.actions, a, recentActionsPerView)
}

func (v *recentView) addRequest(r recentRequest) {
	v.requests = appendRecent(v.requests, r, recentRequestsPerView)
}

// appendRecent appends and lets the oldest go when there are more than limit.
func appendRecent[T any](list []T, item T, limit int) []T {
	if len(list) == limit {
		copy(list, list[1:])
		list = list[:limit-1]
	}
	return append(list, item)
}
