package datadogrumreceiver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// store keeps held actions and views in a storage extension, one key for each
// item. Storage cannot list its keys, so items live in numbered slots and one
// more key says how many slots were ever used. Requests that change items at
// the same time share one write.
type store struct {
	client storage.Client
	h      *held
	r      *rum

	actions slots
	views   slots
	changed map[string]func() *storage.Operation // by key; run under held.mu
	unsaved bool                                 // something noted is not on disk
	waiters []chan error
	wake    chan struct{}
	done    chan struct{}
	saved   [2]int // the numbers of slots on disk
}

// slots hands out the lowest free number.
type slots struct {
	free []int
	used int
}

func (s *slots) take() int {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.used++
	return s.used - 1
}

func (s *slots) give(slot int) { s.free = append(s.free, slot) }

const (
	storeName = "held"
	slotsKey  = "slots"
)

// open reads what an earlier run held and did not hand on.
func (h *held) open(ctx context.Context, host component.Host, r *rum) error {
	if h.cfg.Storage == nil {
		return nil
	}
	ext, ok := host.GetExtensions()[*h.cfg.Storage]
	if !ok {
		return fmt.Errorf("storage extension %q is not configured", h.cfg.Storage)
	}
	provider, ok := ext.(storage.Extension)
	if !ok {
		return fmt.Errorf("extension %q is no storage", h.cfg.Storage)
	}
	client, err := provider.GetClient(ctx, component.KindReceiver, r.set.ID, storeName)
	if err != nil {
		return fmt.Errorf("open storage %q: %w", h.cfg.Storage, err)
	}
	s := &store{
		client: client, h: h, r: r,
		changed: map[string]func() *storage.Operation{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := s.load(ctx); err != nil {
		return errors.Join(err, client.Close(ctx))
	}
	h.mu.Lock()
	h.store = s
	h.mu.Unlock()
	go s.loop()
	return nil
}

func actionSlot(n int) string { return "action/" + strconv.Itoa(n) }
func viewSlot(n int) string   { return "view/" + strconv.Itoa(n) }

// load fills the tables. An item that cannot be read is counted and left
// behind: one bad record must not keep the receiver from starting.
func (s *store) load(ctx context.Context) error {
	raw, err := s.client.Get(ctx, slotsKey)
	if err != nil {
		return fmt.Errorf("read held items: %w", err)
	}
	if len(raw) != 16 {
		return nil
	}
	s.saved = [2]int{int(binary.BigEndian.Uint64(raw[:8])), int(binary.BigEndian.Uint64(raw[8:]))} //nolint:gosec // written below
	s.actions.used = min(max(s.saved[0], 0), maxSlots)
	s.views.used = min(max(s.saved[1], 0), maxSlots)
	for slot := range s.actions.used {
		if err := loadSlot(ctx, s, actionSlot(slot), slot, &s.actions, s.restoreAction); err != nil {
			return err
		}
	}
	for slot := range s.views.used {
		if err := loadSlot(ctx, s, viewSlot(slot), slot, &s.views, s.restoreView); err != nil {
			return err
		}
	}
	return nil
}

// maxSlots bounds what a damaged count can make the receiver read.
const maxSlots = 10_000_000

func loadSlot[T any](ctx context.Context, s *store, key string, slot int, free *slots, restore func(*T, int)) error {
	raw, err := s.client.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read held item %s: %w", key, err)
	}
	item := new(T)
	if raw == nil {
		free.give(slot)
		return nil
	}
	if json.Unmarshal(raw, item) != nil {
		s.r.tel.storeErrors.Add(ctx, 1, s.r.tel.self)
		free.give(slot)
		return s.client.Delete(ctx, key)
	}
	restore(item, slot)
	return nil
}

// changedAction and changedView note under held.mu what the next write saves.
func (s *store) changedAction(a *heldAction) {
	if a.slot < 0 {
		a.slot = s.actions.take()
	}
	key := actionSlot(a.slot)
	s.note(key, func() *storage.Operation { return setJSON(key, savedActionOf(a)) })
}

func (s *store) removedAction(a *heldAction) {
	if a.slot >= 0 {
		key := actionSlot(a.slot)
		s.note(key, func() *storage.Operation { return storage.DeleteOperation(key) })
		s.actions.give(a.slot)
		a.slot = -1
	}
}

func (s *store) changedView(v *heldView) {
	if v.slot < 0 {
		v.slot = s.views.take()
	}
	key := viewSlot(v.slot)
	s.note(key, func() *storage.Operation { return setJSON(key, savedViewOf(v)) })
}

func (s *store) removedView(v *heldView) {
	if v.slot >= 0 {
		key := viewSlot(v.slot)
		s.note(key, func() *storage.Operation { return storage.DeleteOperation(key) })
		s.views.give(v.slot)
		v.slot = -1
	}
}

func (s *store) note(key string, op func() *storage.Operation) {
	s.changed[key], s.unsaved = op, true
	s.kick()
}

func (s *store) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// wait returns where the next write, which holds all that was noted so far,
// will tell how it went. Called under held.mu.
func (s *store) wait() <-chan error {
	done := make(chan error, 1)
	s.waiters = append(s.waiters, done)
	s.kick()
	return done
}

func (s *store) loop() {
	defer close(s.done)
	for range s.wake {
		s.write(context.Background())
	}
}

// write saves everything noted. What could not be saved is noted again.
func (s *store) write(ctx context.Context) {
	s.h.mu.Lock()
	changed, waiters := s.changed, s.waiters
	s.changed, s.waiters = map[string]func() *storage.Operation{}, nil
	ops := make([]*storage.Operation, 0, len(changed)+1)
	for _, op := range changed {
		ops = append(ops, op())
	}
	used := [2]int{s.actions.used, s.views.used}
	s.h.mu.Unlock()
	if used != s.saved {
		value := binary.BigEndian.AppendUint64(nil, uint64(used[0]))  //nolint:gosec // a count
		value = binary.BigEndian.AppendUint64(value, uint64(used[1])) //nolint:gosec // a count
		ops = append(ops, storage.SetOperation(slotsKey, value))
	}
	var err error
	if len(ops) > 0 {
		err = s.client.Batch(ctx, ops...)
	}
	s.h.mu.Lock()
	if err != nil {
		s.r.tel.storeErrors.Add(ctx, 1, s.r.tel.self)
		err = fmt.Errorf("save held items: %w", err)
		for key, op := range changed {
			if _, newer := s.changed[key]; !newer {
				s.changed[key] = op
			}
		}
	} else {
		s.saved = used
	}
	s.unsaved = len(s.changed) > 0
	s.h.mu.Unlock()
	for _, done := range waiters {
		done <- err
	}
}

// closeStore writes the last changes and closes the client.
func (h *held) closeStore(ctx context.Context) error {
	h.mu.Lock()
	s := h.store
	h.store = nil
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	close(s.wake)
	<-s.done
	s.write(ctx)
	return s.client.Close(ctx)
}

func setJSON(key string, item any) *storage.Operation {
	raw, err := json.Marshal(item)
	if err != nil {
		return storage.DeleteOperation(key) // not reached: the items below are plain data
	}
	return storage.SetOperation(key, raw)
}
