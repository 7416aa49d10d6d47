package session

import (
	"context"
	"encoding/json"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// unsaved is the number of an item that has none in the journal.
const unsaved = -1

// Load takes in what an earlier run held and did not hand on, and from then on
// keeps what is held in j. It returns how many items could not be read: they
// are counted and removed, one bad record must not keep the receiver from starting.
func (s *Sessions) Load(ctx context.Context, j *journal.Journal) (bad int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unread []uint64
	err = j.Load(ctx, func(n uint64, raw []byte) {
		var item savedItem
		if json.Unmarshal(raw, &item) != nil || !s.restore(&item, int64(n)) {
			unread = append(unread, n)
		}
	})
	if err != nil {
		return 0, err
	}
	for _, n := range unread {
		j.Remove(n)
	}
	s.journal = j
	return int64(len(unread)), nil
}

// Save writes what is noted and not yet in storage.
func (s *Sessions) Save(ctx context.Context) error {
	s.mu.Lock()
	j := s.journal
	s.mu.Unlock()
	if j == nil || !j.Pending() {
		return nil
	}
	return j.Sync(ctx)
}

// saveAction and the three below note what the next write does.
func (s *Sessions) saveAction(a *action.Action) {
	s.note(&a.Slot, func() savedItem { return savedItem{Action: savedActionOf(a)} })
}

func (s *Sessions) saveView(v *view.View) {
	s.note(&v.Slot, func() savedItem { return savedItem{View: savedViewOf(v)} })
}

func (s *Sessions) forgetAction(a *action.Action) { s.remove(&a.Slot) }

func (s *Sessions) forgetView(v *view.View) { s.remove(&v.Slot) }

func (s *Sessions) note(slot *int64, item func() savedItem) {
	if s.journal == nil {
		return
	}
	if *slot == unsaved {
		*slot = int64(s.journal.Number())
	}
	s.journal.Set(uint64(*slot), func() []byte {
		s.mu.Lock()
		defer s.mu.Unlock()
		raw, err := json.Marshal(item())
		if err != nil {
			return nil // not reached: the items are plain data
		}
		return raw
	})
}

func (s *Sessions) remove(slot *int64) {
	if s.journal != nil && *slot != unsaved {
		s.journal.Remove(uint64(*slot))
		*slot = unsaved
	}
}

// CloseJournal writes the last changes and closes the journal.
func (s *Sessions) CloseJournal(ctx context.Context) error {
	s.mu.Lock()
	j := s.journal
	s.journal = nil
	s.mu.Unlock()
	if j == nil {
		return nil
	}
	return j.Close(ctx)
}
