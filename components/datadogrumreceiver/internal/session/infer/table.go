package infer

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
)

const (
	actionsPerSession  = 32
	requestsPerSession = 64
	maxSessions        = 10_000
	sessionLife        = 5 * time.Minute
)

// recent is what lately happened in one session, newest last.
type recent struct {
	actions  []Action
	requests []Request
	touched  time.Time
}

// Table knows what lately happened in each session. It is not safe for concurrent use.
type Table struct {
	sessions map[digest.Key]*recent
	window   window
	sources  []string
}

// NewTable returns an empty table.
func NewTable(cfg *Config) *Table {
	return &Table{sessions: map[digest.Key]*recent{}, window: newWindow(cfg), sources: cfg.Sources}
}

// Infers reports whether anything is inferred for the source.
func (t *Table) Infers(source string) bool { return slices.Contains(t.sources, source) }

// NoteAction remembers an action.
func (t *Table) NoteAction(at Where, a Action, now time.Time) {
	v := t.touch(at.Session, now)
	a.View = at.View
	for _, known := range v.actions {
		if known.ID == a.ID {
			return
		}
	}
	v.actions = appendRecent(v.actions, a, actionsPerSession)
}

// NoteRequest remembers a request that was sent and returns the actions that are its effect.
func (t *Table) NoteRequest(at Where, r Request, now time.Time) (effects []Action) {
	v := t.touch(at.Session, now)
	r.View = at.View
	v.requests = appendRecent(v.requests, r, requestsPerSession)
	for _, a := range v.actions {
		if !a.Custom {
			continue
		}
		if found, verdict := t.window.origin(v.requests, a.View, a.At); verdict == Found && found.Span == r.Span {
			effects = append(effects, a)
		}
	}
	return effects
}

// CauseOf finds the action that began a request.
func (t *Table) CauseOf(at Where, start, end pcommon.Timestamp) (string, Verdict) {
	v := t.sessions[at.Session]
	if v == nil {
		return "", None
	}
	return t.window.cause(v.actions, at.View, start, end)
}

// OriginOf finds the request whose answer an action at that time is the effect of.
func (t *Table) OriginOf(in Where, at pcommon.Timestamp) (Request, Verdict) {
	v := t.sessions[in.Session]
	if v == nil {
		return Request{}, None
	}
	return t.window.origin(v.requests, in.View, at)
}

// CausedBy finds requests that were sent without a cause and that the action began.
func (t *Table) CausedBy(in Where, id string) (list []Request) {
	v := t.sessions[in.Session]
	if v == nil {
		return nil
	}
	for _, r := range v.requests {
		if r.Root {
			if cause, verdict := t.window.cause(v.actions, r.View, r.Start, r.End); verdict == Found && cause == id {
				list = append(list, r)
			}
		}
	}
	return list
}

// Expire forgets the sessions in which nothing has happened for a while.
func (t *Table) Expire(now time.Time) {
	for key, v := range t.sessions {
		if now.Sub(v.touched) > sessionLife {
			delete(t.sessions, key)
		}
	}
}

// touch returns what happened in the session, making it if need be.
func (t *Table) touch(key digest.Key, now time.Time) *recent {
	v := t.sessions[key]
	if v == nil {
		if len(t.sessions) >= maxSessions {
			t.makeRoom()
		}
		v = new(recent)
		t.sessions[key] = v
	}
	v.touched = now
	return v
}

// makeRoom forgets the stalest of a few sessions; looking at all of them for each
// new one would cost more than the memory is worth.
func (t *Table) makeRoom() {
	var oldest digest.Key
	var at time.Time
	looked := 0
	for key, v := range t.sessions {
		if looked == 0 || v.touched.Before(at) {
			oldest, at = key, v.touched
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(t.sessions, oldest)
}

// appendRecent appends and lets the oldest go when there are more than limit.
func appendRecent[T any](list []T, item T, limit int) []T {
	if len(list) == limit {
		copy(list, list[1:])
		list = list[:limit-1]
	}
	return append(list, item)
}
