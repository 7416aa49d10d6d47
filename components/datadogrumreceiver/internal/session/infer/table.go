package infer

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
)

const (
	actionsPerView  = 16
	requestsPerView = 32
	maxViews        = 10_000
	viewLife        = 5 * time.Minute
)

// recent is what lately happened in one view, newest last.
type recent struct {
	actions  []Action
	requests []Request
	touched  time.Time
}

// Table knows what lately happened in each view. It is not safe for concurrent use.
type Table struct {
	views   map[digest.Key]*recent
	window  window
	sources []string
}

// NewTable returns an empty table.
func NewTable(cfg *Config) *Table {
	return &Table{views: map[digest.Key]*recent{}, window: newWindow(cfg), sources: cfg.Sources}
}

// Infers reports whether anything is inferred for the source.
func (t *Table) Infers(source string) bool { return slices.Contains(t.sources, source) }

// NoteAction remembers an action of the view.
func (t *Table) NoteAction(view digest.Key, a Action, now time.Time) {
	v := t.touch(view, now)
	for _, known := range v.actions {
		if known.ID == a.ID {
			return
		}
	}
	v.actions = appendRecent(v.actions, a, actionsPerView)
}

// NoteRequest remembers a request that left and returns the actions that are its effect.
func (t *Table) NoteRequest(view digest.Key, r Request, now time.Time) (effects []Action) {
	v := t.touch(view, now)
	v.requests = appendRecent(v.requests, r, requestsPerView)
	for _, a := range v.actions {
		if !a.Custom {
			continue
		}
		if found, verdict := t.window.origin(v.requests, a.At); verdict == Found && found.Span == r.Span {
			effects = append(effects, a)
		}
	}
	return effects
}

// CauseOf finds the action of the view that began a request.
func (t *Table) CauseOf(view digest.Key, start, end pcommon.Timestamp) (string, Verdict) {
	v := t.views[view]
	if v == nil {
		return "", None
	}
	return t.window.cause(v.actions, start, end)
}

// OriginOf finds the request of the view whose answer an action at that time is the effect of.
func (t *Table) OriginOf(view digest.Key, at pcommon.Timestamp) (Request, Verdict) {
	v := t.views[view]
	if v == nil {
		return Request{}, None
	}
	return t.window.origin(v.requests, at)
}

// CausedBy finds requests of the view that left without a cause and that the action began.
func (t *Table) CausedBy(view digest.Key, id string) (list []Request) {
	v := t.views[view]
	if v == nil {
		return nil
	}
	for _, r := range v.requests {
		if r.Root {
			if cause, verdict := t.window.cause(v.actions, r.Start, r.End); verdict == Found && cause == id {
				list = append(list, r)
			}
		}
	}
	return list
}

// Expire forgets the views in which nothing has happened for a while.
func (t *Table) Expire(now time.Time) {
	for key, v := range t.views {
		if now.Sub(v.touched) > viewLife {
			delete(t.views, key)
		}
	}
}

// touch returns what happened in the view, making it if need be.
func (t *Table) touch(key digest.Key, now time.Time) *recent {
	v := t.views[key]
	if v == nil {
		if len(t.views) >= maxViews {
			t.makeRoom()
		}
		v = new(recent)
		t.views[key] = v
	}
	v.touched = now
	return v
}

// makeRoom forgets the stalest of a few views; looking at all of them for each
// new one would cost more than the memory is worth.
func (t *Table) makeRoom() {
	var oldest digest.Key
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

// appendRecent appends and lets the oldest go when there are more than limit.
func appendRecent[T any](list []T, item T, limit int) []T {
	if len(list) == limit {
		copy(list, list[1:])
		list = list[:limit-1]
	}
	return append(list, item)
}
