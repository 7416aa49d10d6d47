package session

import (
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
)

// Mode says which of what is held must leave.
type Mode uint8

// The modes.
const (
	Changed Mode = iota // what a request has just changed
	Due                 // what has waited long enough
	All                 // everything: the receiver stops
)

// DueActions lists the spans that must leave. Their actions stay: they go with Expire.
func (s *Sessions) DueActions(now time.Time, mode Mode) []action.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actions.Due(now, mode == Due, mode == All)
}

// ReturnActions puts what could not leave back for the next hand-over.
func (s *Sessions) ReturnActions(spans []action.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actions.Return(spans)
}

// ActionsSent notes what was sent.
func (s *Sessions) ActionsSent(spans []action.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actions.MarkSent(spans)
	for i := range spans {
		s.saveAction(spans[i].Action)
	}
}

// DueRecords lists the errors that waited and can be sent, after the spans of DueActions were sent.
func (s *Sessions) DueRecords(now time.Time, mode Mode) []action.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actions.Records(now, mode == All)
}

// RecordsSent notes what was sent.
func (s *Sessions) RecordsSent(records []action.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.actions.RecordsSent(records) {
		s.saveAction(a)
	}
}

// DueViews lists the views that must leave.
func (s *Sessions) DueViews(now time.Time, mode Mode) []view.Due {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.views.Due(now, mode == All)
}

// LoadsSent notes that the spans of the views' loads were sent.
func (s *Sessions) LoadsSent(views []*view.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range views {
		v.Sent.Loaded = true
		s.saveView(v)
	}
}

// ViewsSent notes what was sent, and in each view which measurements are new.
func (s *Sessions) ViewsSent(views []view.Due, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range views {
		s.views.MarkSent(&views[i], now)
		s.saveView(views[i].View)
	}
}

// Expired counts what was forgotten.
type Expired struct {
	Early   int64 // actions that made room
	Dropped int64 // actions that were unwanted and no trace needed
}

// Expire forgets what was sent and is old enough not to be asked for.
func (s *Sessions) Expire(now time.Time, mode Mode) (n Expired) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.actions.Expire(now, mode == All) {
		s.forgetAction(a.Action)
		if a.Early {
			n.Early++
		}
		if a.Dropped {
			n.Dropped++
		}
	}
	for _, v := range s.views.Expire(now, mode == All) {
		s.forgetView(v)
	}
	for _, l := range s.lifetimes.Expire(now) {
		s.remove(&l.Slot)
	}
	s.recent.Expire(now)
	return n
}
