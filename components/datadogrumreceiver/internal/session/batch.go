package session

import (
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

// Outcome is what became of an event: the values of the metric's attribute outcome.
type Outcome uint8

// The outcomes.
const (
	Converted   Outcome = iota // handed to a pipeline, or held for it
	Duplicate                  // converted before
	Stale                      // a version of a view older than one already there
	Unconverted                // SDK telemetry: for Datadog only
	Dropped                    // not wanted by configuration
	Bad                        // not an event
	Forbidden                  // an application its token may not report for
	Refused                    // a pipeline refused it for good
	Deferred                   // the sender was told to come again with it
	Outcomes
)

func (o Outcome) String() string {
	return [...]string{"converted", "duplicate", "stale", "unconverted", "dropped", "bad", "forbidden", "refused", "deferred"}[o]
}

// Batch is some events of one request.
type Batch struct {
	Items  []Item
	Origin *event.Origin
	Now    time.Time

	Late     int64 // events older than max_event_age
	Inferred [infer.Verdicts]int64
	Held     bool // something new is held

	StorageErrors int64
	Forgotten     int64 // sessions that made room

	owner uint64    // this batch's own number, not 0
	view  [3]string // whose keys were made last: events of a body share them
	where infer.Where
}

// Item is one event of a batch, with the claims that make it this request's.
type Item struct {
	event.Event
	Place   event.Place
	Signals event.Signals // what a converter made of it
	Outcome Outcome
	Done    bool // nothing is left to do: a duplicate

	own     claimed
	span    claimed     // of the CLIENT span made from its ids
	unwant  bool        // an action that is unwanted by name or rate
	counted bool        // an action that counts in its session's rate
	where   infer.Where // session and view, for inference
	root    string      // the action that becomes a root of this event's trace, "" when none does
	rootKey digest.Key
}

type claimed struct {
	key digest.Key
	by  bool // this request holds the claim
}

// Next adds an empty item to the batch and returns it.
func (b *Batch) Next() *Item {
	if n := len(b.Items); n < cap(b.Items) {
		b.Items = b.Items[:n+1]
	} else {
		b.Items = append(b.Items, Item{})
	}
	it := &b.Items[len(b.Items)-1]
	*it = Item{Event: event.Event{Actions: it.Actions[:0]}}
	return it
}

// Drop takes the last item back: it is no event of the batch.
func (b *Batch) Drop() { b.Items = b.Items[:len(b.Items)-1] }

// Forget lets go of what the items hold on to and keeps their memory.
func (b *Batch) Forget() {
	items := b.Items[:cap(b.Items)]
	for i := range items {
		actions := items[i].Actions
		clear(actions[:cap(actions)])
		items[i] = Item{Event: event.Event{Actions: actions[:0]}}
	}
	*b = Batch{Items: items[:0]}
}

// waits reports whether the item is held: an action, or an error without a span.
func (it *Item) waits() bool {
	return it.Kind == event.TypeAction && !it.Signals.Record || it.Place.Waits
}

// isFailure reports whether the item is an error without a span of its own.
func (it *Item) isFailure() bool {
	return it.Kind == event.TypeError && !it.HasIDs() || it.Failed()
}

func (it *Item) isView() bool {
	return it.Kind == event.TypeView || it.Kind == event.TypeViewUpdate
}

// claim makes every event this request's. It reports false when another
// request is converting one of them right now: if that one fails, this one
// must not have said that all is well.
func (s *Sessions) claim(b *Batch) bool {
	for i := range b.Items {
		it := &b.Items[i]
		if it.isView() {
			continue // the view's versions are their own memory
		}
		if it.ID == "" {
			it.own.key = digest.Of(b.Origin.Tenant, it.App, it.Kind, "", it.Line)
		} else {
			it.own.key = digest.Of(b.Origin.Tenant, it.App, it.Kind, it.ID)
		}
		switch s.seen.Claim(it.own.key, b.owner, b.Now) {
		case ttlset.ClaimPending:
			return false
		case ttlset.ClaimDone:
			it.Done, it.Outcome = true, Duplicate
			continue
		case ttlset.ClaimNew:
			it.own.by = true
		}
		if it.Kind == event.TypeResource && it.HasIDs() && !s.claimSpan(b, it) {
			return false
		}
	}
	// Errors come second: the request's own event beats the error that stands for it.
	for i := range b.Items {
		it := &b.Items[i]
		if it.Kind == event.TypeError && it.HasIDs() && !it.Done && !s.claimSpan(b, it) {
			return false
		}
	}
	return true
}

// claimSpan claims the span an event names. An event that does not get it
// becomes a log record only.
func (s *Sessions) claimSpan(b *Batch, it *Item) bool {
	it.span.key = digest.Of("span", b.Origin.Tenant, string(it.Trace[:]), string(it.Span[:]))
	switch s.seen.Claim(it.span.key, b.owner, b.Now) {
	case ttlset.ClaimPending:
		return false
	case ttlset.ClaimNew:
		it.span.by = true
	case ttlset.ClaimDone:
	}
	return true
}

// Settle commits the claims on what the pipelines took and releases the rest.
func (s *Sessions) Settle(b *Batch, tracesOK, logsOK bool) {
	for i := range b.Items {
		it := &b.Items[i]
		switch {
		case it.span.by && tracesOK:
			s.seen.Commit(it.span.key, b.Now)
		case it.span.by:
			s.seen.Release(it.span.key, b.owner)
		}
		if !it.own.by {
			continue
		}
		ok := tracesOK && logsOK
		if !it.Signals.None() {
			ok = (tracesOK || !it.Signals.Span) && (logsOK || !it.Signals.Record)
		}
		// What is held is claimed until it is held.
		if ok && it.waits() {
			continue
		}
		if ok {
			s.seen.Commit(it.own.key, b.Now)
		} else {
			s.release(b, it)
		}
	}
}

// release lets an event come again as if it had not been here.
func (s *Sessions) release(b *Batch, it *Item) {
	s.seen.Release(it.own.key, b.owner)
	if it.counted {
		s.noise.unwant(b.Origin.Tenant, it.Session, b.Now)
	}
}

// Evicted returns how many events were forgotten because there were too many.
func (s *Sessions) Evicted() int64 { return s.seen.Evicted() }
