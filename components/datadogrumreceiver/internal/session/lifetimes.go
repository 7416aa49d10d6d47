package session

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/lifetime"
)

// seeSession notes that a view of a session came.
func (s *Sessions) seeSession(b *Batch, it *Item) {
	if it.Session == "" {
		return
	}
	seen, worth, gone := s.lifetimes.See(&it.Event, b.Origin, b.Now)
	if gone != nil {
		s.remove(&gone.Slot)
		if gone.Line != "" {
			b.Forgotten++
		}
	}
	if worth {
		s.saveLifetime(seen)
	}
}

// DueSessions lists the sessions whose start or end must leave. At a stop those
// that are in storage do not end: they go on in the next run.
func (s *Sessions) DueSessions(now time.Time, mode Mode) []lifetime.Due {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lifetimes.Due(now, mode == All, mode == All && s.journal == nil)
}

// SessionsSent notes what was sent.
func (s *Sessions) SessionsSent(due []lifetime.Due) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range due {
		if s.lifetimes.MarkSent(&due[i]) {
			s.saveLifetime(due[i].Session)
		}
	}
}

func (s *Sessions) saveLifetime(l *lifetime.Session) {
	s.note(&l.Slot, func() savedItem { return savedItem{Session: savedSessionOf(l)} })
}

type savedSession struct {
	Tenant  string       `json:"tenant,omitempty"`
	App     string       `json:"app"`
	ID      string       `json:"id"`
	Line    string       `json:"line,omitempty"`
	From    *savedOrigin `json:"from,omitempty"`
	View    string       `json:"view,omitempty"`
	Begin   uint64       `json:"begin"`
	End     uint64       `json:"end"`
	First   int64        `json:"first"`
	Touched int64        `json:"touched"`
	Ended   bool         `json:"ended,omitempty"`
	Started bool         `json:"started,omitempty"`
	Over    uint64       `json:"over,omitempty"`
}

func savedSessionOf(l *lifetime.Session) *savedSession {
	return &savedSession{
		Tenant: l.Tenant, App: l.App, ID: l.ID, Line: l.Line, From: savedOriginOf(l.From), View: l.View, Begin: uint64(l.Begin), End: uint64(l.End),
		First: l.First.UnixNano(), Touched: l.Touched.UnixNano(), Ended: l.Ended, Started: l.Started, Over: uint64(l.Over),
	}
}

// restoreSession puts a saved session back.
func (s *Sessions) restoreSession(saved *savedSession, slot int64) bool {
	l := &lifetime.Session{
		Name: lifetime.Name{Tenant: saved.Tenant, App: saved.App, ID: saved.ID}, Line: saved.Line, From: saved.From.origin(), View: saved.View, Begin: pcommon.Timestamp(saved.Begin), End: pcommon.Timestamp(saved.End), Slot: slot,
		State: lifetime.State{
			First: time.Unix(0, saved.First), Touched: time.Unix(0, saved.Touched),
			Ended: saved.Ended, Started: saved.Started, Over: pcommon.Timestamp(saved.Over),
		},
	}
	if l.ID == "" || l.Line != "" && l.From == nil {
		return false
	}
	s.lifetimes.Put(l)
	return true
}
