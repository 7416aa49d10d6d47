package lifetime

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Table holds sessions by tenant, application and id: those that live and,
// without their text, those that are over. It is not safe for concurrent use.
type Table struct {
	cfg     *Config
	entries map[digest.Key]*list.Element
	live    *list.List // the longest unseen first
	over    *list.List
}

// NewTable returns an empty table.
func NewTable(cfg *Config) *Table {
	return &Table{cfg: cfg, entries: map[digest.Key]*list.Element{}, live: list.New(), over: list.New()}
}

// Live is the number of sessions whose end is still to come.
func (t *Table) Live() int { return t.live.Len() }

// See takes the event of a view in and returns its session, and whether what is
// known of it changed so much that it is worth a write to storage. gone is the
// session that was forgotten to make room.
func (t *Table) See(e *event.Event, from *event.Origin, now time.Time) (s *Session, worth bool, gone *Session) {
	name := Name{from.Tenant, e.App, e.Session}
	if at, ok := t.entries[name.Key()]; ok {
		s = at.Value.(*Session)
		t.remove(s)
	} else {
		s = &Session{Name: Name{from.Tenant, strings.Clone(e.App), strings.Clone(e.Session)}, Slot: -1}
		gone = t.makeRoom()
	}
	worth = s.see(e, from, now)
	t.Put(s)
	return s, worth, gone
}

// Put adds a session that was made elsewhere.
func (t *Table) Put(s *Session) {
	if s.live() {
		t.entries[s.Key()] = t.live.PushBack(s)
	} else {
		t.entries[s.Key()] = t.over.PushBack(s)
	}
}

func (t *Table) remove(s *Session) {
	at := t.entries[s.Key()]
	delete(t.entries, s.Key())
	t.live.Remove(at) // a list leaves the elements of another alone
	t.over.Remove(at)
}

// makeRoom forgets the longest unseen session, if possible one that is over.
func (t *Table) makeRoom() *Session {
	if len(t.entries) < t.cfg.MaxHeld {
		return nil
	}
	oldest := t.over.Front()
	if oldest == nil {
		oldest = t.live.Front()
	}
	s := oldest.Value.(*Session)
	t.remove(s)
	return s
}

// Due lists the sessions of which something must leave at now: with all every
// start, with end every end as well. When nine tenths of the places are taken by
// sessions that live, the longest unseen end early.
func (t *Table) Due(now time.Time, all, end bool) (due []Due) {
	early := t.live.Len() - t.cfg.MaxHeld*9/10
	for at := t.live.Front(); at != nil; at = at.Next() {
		s := at.Value.(*Session)
		start, over := s.due(t.cfg, now, all)
		d := Due{Session: s, Line: s.Line, From: s.From, View: s.View, Begin: s.Begin, End: s.End, Start: start, Over: over || end, Was: s.Over}
		if early--; !d.Over && early >= 0 {
			d.Over, d.Early = true, true
		}
		d.Start = d.Start || d.Over && !s.Started
		if d.Start || d.Over {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(a, b Due) int {
		return cmp.Or(a.Session.First.Compare(b.Session.First), cmp.Compare(a.Line, b.Line))
	})
	return due
}

// MarkSent notes that d was sent and reports whether its session is still known.
// A session that was seen meanwhile goes on.
func (t *Table) MarkSent(d *Due) bool {
	s := d.Session
	if at, ok := t.entries[s.Key()]; !ok || at.Value != s {
		return false // it made room meanwhile
	}
	s.Started = s.Started || d.Start
	if !d.Over {
		return true
	}
	s.Over = max(s.Over, d.End)
	if s.End == d.End {
		t.remove(s)
		s.Line, s.From, s.View, s.Ended = "", nil, "", false
		t.Put(s)
	}
	return true
}

// Expire forgets the sessions that have been over for so long that none of their
// views comes any more, and returns them.
func (t *Table) Expire(now time.Time) (gone []*Session) {
	for at := t.over.Front(); at != nil; at = t.over.Front() {
		s := at.Value.(*Session)
		if now.Sub(s.Touched) < remember {
			break
		}
		t.remove(s)
		gone = append(gone, s)
	}
	return gone
}
