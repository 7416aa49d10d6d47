package action

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Config says how action spans are made, and which.
type Config struct {
	// Span is per_trace (a root span in every trace the action started) or separate (one span in a trace of its own, linked).
	Span string `mapstructure:"span"`
	// Wait is how long an action waits for a first trace before it leaves in a trace of its own.
	Wait time.Duration `mapstructure:"wait"`
	// Missing is how long a trace waits for its action before a placeholder takes its place.
	Missing time.Duration `mapstructure:"missing"`
	// Remember is how long an action stays known for requests that end late.
	Remember time.Duration `mapstructure:"remember"`
	// MaxHeld is the number of actions remembered at a time.
	MaxHeld int `mapstructure:"max_held"`
	// MaxHeldBytes bounds the text of the actions remembered.
	MaxHeldBytes int `mapstructure:"max_held_bytes"`
	// Allow are globs on action names; when set, only matching actions are kept.
	Allow []string `mapstructure:"allow"`
	// Deny are globs on action names that are dropped; deny beats allow.
	Deny []string `mapstructure:"deny"`
	// PerSession is the number of actions per second one session may report; 0 means no limit.
	PerSession float64 `mapstructure:"per_session"`
}

// The values of Config.Span.
const (
	SpanPerTrace = "per_trace"
	SpanSeparate = "separate"
)

// Table holds actions by tenant, application and id. It is not safe for concurrent use.
type Table struct {
	cfg     *Config
	entries map[digest.Key]*Action
	bytes   int
	dirty   []*Action              // changed since the last Due
	waiting map[digest.Key]*Action // with errors that wait
}

// NewTable returns an empty table.
func NewTable(cfg *Config) *Table {
	return &Table{cfg: cfg, entries: map[digest.Key]*Action{}, waiting: map[digest.Key]*Action{}}
}

// Key is the key of an action.
func Key(from *event.Origin, app, id string) digest.Key {
	return digest.Of("action", from.Tenant, app, id)
}

// Len is the number of actions held.
func (t *Table) Len() int { return len(t.entries) }

// Bytes is about what the actions take in memory.
func (t *Table) Bytes() int { return t.bytes }

// Full reports whether the table is at its bound.
func (t *Table) Full() bool {
	return len(t.entries) >= t.cfg.MaxHeld || t.bytes >= t.cfg.MaxHeldBytes
}

// Crowded reports whether the table is so full that the oldest must leave early.
func (t *Table) Crowded() bool {
	const tenths = 9
	return 10*len(t.entries) >= tenths*t.cfg.MaxHeld || 10*t.bytes >= tenths*t.cfg.MaxHeldBytes
}

// Get returns the action, or nil.
func (t *Table) Get(key digest.Key) *Action { return t.entries[key] }

// HasRoom reports whether the action can be a root of trace.
func (t *Table) HasRoom(key digest.Key, trace pcommon.TraceID) bool {
	a := t.entries[key]
	return a == nil || len(a.Traces) < maxTraces || a.hasTrace(trace)
}

// SpanOf returns a span of the action that was sent or will be: zero when none is known yet.
func (t *Table) SpanOf(key digest.Key) event.Link {
	if a := t.entries[key]; a != nil {
		return a.span()
	}
	return event.Link{}
}

// CanWait reports whether one more error can wait for the action.
func (t *Table) CanWait(key digest.Key) bool {
	a := t.entries[key]
	return a == nil || len(a.Others.Waiting) < maxWaiting
}

// Put adds an action that was made elsewhere.
func (t *Table) Put(a *Action) {
	t.entries[a.Key] = a
	t.bytes += a.Size()
	t.noteWaiting(a)
}

// Change finds the action, making it if need be, lets edit change it and notes that it did.
func (t *Table) Change(key digest.Key, app, id string, now time.Time, edit func(*Action)) *Action {
	a := t.entries[key]
	if a == nil {
		a = &Action{Key: key, App: strings.Clone(app), ID: strings.Clone(id), First: now, Slot: -1}
		t.Put(a)
	}
	before := a.Size()
	edit(a)
	t.bytes += a.Size() - before
	t.noteWaiting(a)
	t.mark(a)
	return a
}

func (t *Table) noteWaiting(a *Action) {
	if len(a.Others.Waiting) > 0 {
		t.waiting[a.Key] = a
	}
}

// NeedRoot remembers that a request of trace names the action as its parent, or beside it.
func (t *Table) NeedRoot(key digest.Key, e *event.Event, id string, beside bool, from *event.Origin, now time.Time) *Action {
	return t.Change(key, e.App, id, now, func(a *Action) {
		a.addTrace(e.Trace, pcommon.SpanID{}, e.Start, beside)
		if a.Own.Text == "" && a.Others.Child.Text == "" {
			a.Others.Child = event.Line{Text: strings.Clone(e.Line), From: from}
		}
	})
}

// Arrive takes the action's own event in. It reports whether it is the first.
func (a *Action) Arrive(line event.Line, denied bool, now time.Time) bool {
	if a.Own.Text != "" {
		return false
	}
	a.Own = event.Line{Text: strings.Clone(line.Text), From: line.From}
	a.Arrived, a.Denied = now, denied
	return true
}

// AddError takes an error in that names the action. It reports false when
// enough of them wait already.
func (a *Action) AddError(line event.Line, waits bool) bool {
	a.Failed = true
	switch {
	case !waits:
		return true
	case len(a.Others.Waiting) >= maxWaiting:
		return false
	}
	a.Others.Waiting = append(a.Others.Waiting, event.Line{Text: strings.Clone(line.Text), From: line.From})
	return true
}

// AddEffect makes the action the effect of a request.
func (a *Action) AddEffect(trace pcommon.TraceID, request pcommon.SpanID, at pcommon.Timestamp) bool {
	return a.addTrace(trace, request, at, false)
}

// AddLink links the action to a request that was sent before it was known.
func (a *Action) AddLink(to event.Link) {
	if len(a.Links) < maxLinks {
		a.Links = append(a.Links, to)
	}
}

// MaybeEffect makes an action that was known before its request the request's
// effect, and returns it when that changed something.
func (t *Table) MaybeEffect(key digest.Key, trace pcommon.TraceID, request pcommon.SpanID, at pcommon.Timestamp) (changed *Action) {
	a := t.entries[key]
	if a == nil || a.Own.Text == "" || a.Denied || a.isEffect() {
		return nil // unknown, unwanted, or the effect of another request already
	}
	before := a.Size()
	added := a.addTrace(trace, request, at, false)
	t.bytes += a.Size() - before
	t.mark(a)
	if !added {
		return nil
	}
	return a
}

func (t *Table) mark(a *Action) {
	if !a.Changed {
		a.Changed = true
		t.dirty = append(t.dirty, a)
	}
}

// Due lists the spans that must leave: of what changed, or with everything also
// of what has waited long enough; with all, of all. The entries stay: they go with Expire.
func (t *Table) Due(now time.Time, everything, all bool) (list []Span) {
	if everything || all {
		crowded := t.Crowded()
		before := t.oldest(crowded)
		for _, a := range t.entries {
			list = a.due(t.cfg, now, all || (crowded && !a.First.After(before)), list)
		}
	} else {
		for _, a := range t.dirty {
			list = a.due(t.cfg, now, false, list)
		}
	}
	for _, a := range t.dirty {
		a.Changed = false
	}
	t.dirty = t.dirty[:0]
	for i := range list {
		list[i].snapshot()
	}
	slices.SortStableFunc(list, func(a, b Span) int {
		return cmp.Or(a.Action.First.Compare(b.Action.First), cmp.Compare(a.Action.ID, b.Action.ID))
	})
	return list
}

// oldest returns the time before which a fifth of the actions were made, about.
func (t *Table) oldest(crowded bool) time.Time {
	if !crowded {
		return time.Time{}
	}
	var first, last time.Time
	for _, a := range t.entries {
		if first.IsZero() || a.First.Before(first) {
			first = a.First
		}
		if a.First.After(last) {
			last = a.First
		}
	}
	return first.Add(last.Sub(first) / 5)
}

// Return puts what could not leave back for the next Due.
func (t *Table) Return(spans []Span) {
	for i := range spans {
		t.mark(spans[i].Action)
	}
}

// MarkSent notes that the spans were sent.
func (t *Table) MarkSent(spans []Span) {
	for i := range spans {
		spans[i].markSent()
	}
}

// Gone is an action that is forgotten.
type Gone struct {
	*Action
	Early   bool // it made room
	Dropped bool // it was unwanted, and no trace needed it
}

// Expire forgets the actions that were sent and are old enough not to be asked for; with all, every one that was sent.
func (t *Table) Expire(now time.Time, all bool) (gone []Gone) {
	crowded := t.Crowded()
	for _, a := range t.entries {
		if !a.settled() {
			continue
		}
		age := now.Sub(a.First)
		if all || age >= t.cfg.Remember || (crowded && age >= t.cfg.Missing) || (crowded && a.Sent) {
			delete(t.entries, a.Key)
			t.bytes -= a.Size()
			gone = append(gone, Gone{Action: a, Early: !all && age < t.cfg.Remember, Dropped: a.Denied && !a.Sent})
		}
	}
	return gone
}
