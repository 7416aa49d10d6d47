package rumlinkprocessor

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

const (
	journalHead = "rum_link.head"
	journalTail = "rum_link.tail"
	journalItem = "rum_link.parcel."
	// How many parcels are read in one go at start.
	journalPage = 256
)

// journal keeps parcels in a storage from before they are acknowledged until
// the next consumer has accepted them. Parcel n is under its own key, for every
// n from head up to tail, both kept beside them; a parcel and the tail behind it
// are written in one step.
type journal struct {
	client storage.Client

	mu         sync.Mutex
	head, tail uint64
	live       map[uint64]struct{}
	garbage    []uint64 // accepted downstream, and still to be removed
}

// openJournal finds the storage extension among those of the service.
func openJournal(ctx context.Context, host component.Host, ext, self component.ID, signal string) (*journal, error) {
	found, ok := host.GetExtensions()[ext]
	if !ok {
		return nil, fmt.Errorf("storage %s is not among service::extensions", ext)
	}
	s, ok := found.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage %s is not a storage extension", ext)
	}
	c, err := s.GetClient(ctx, component.KindProcessor, self, signal)
	if err != nil {
		return nil, fmt.Errorf("open storage %s: %w", ext, err)
	}
	return &journal{client: c, live: make(map[uint64]struct{})}, nil
}

// load calls each with every parcel left by an earlier process.
func (j *journal) load(ctx context.Context, each func(id uint64, raw []byte)) error {
	var err error
	if j.head, err = j.counter(ctx, journalHead); err != nil {
		return err
	}
	if j.tail, err = j.counter(ctx, journalTail); err != nil {
		return err
	}
	for from := j.head; from < j.tail; from += journalPage {
		var ops []*storage.Operation
		for id := from; id < min(from+journalPage, j.tail); id++ {
			ops = append(ops, storage.GetOperation(itemKey(id)))
		}
		if err := j.client.Batch(ctx, ops...); err != nil {
			return fmt.Errorf("read parked data: %w", err)
		}
		for i, op := range ops {
			if op.Value != nil {
				id := from + uint64(i)
				j.live[id] = struct{}{}
				each(id, op.Value)
			}
		}
	}
	return nil
}

func (j *journal) counter(ctx context.Context, key string) (uint64, error) {
	raw, err := j.client.Get(ctx, key)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read %s: %w", key, err)
	case raw == nil:
		return 0, nil
	case len(raw) != 8:
		return 0, fmt.Errorf("read %s: want 8 bytes, got %d", key, len(raw))
	}
	return binary.BigEndian.Uint64(raw), nil
}

// add numbers the parcels of one batch and writes them in one step. Numbering
// and writing are one critical section: head never passes a parcel that is
// still being written.
func (j *journal) add(ctx context.Context, parcels []*parcel) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	tail := number(parcels, j.tail)
	ops := make([]*storage.Operation, 0, len(parcels)+1)
	for _, p := range parcels {
		raw, err := p.MarshalBinary()
		if err != nil {
			return err
		}
		ops = append(ops, storage.SetOperation(itemKey(p.id), raw))
	}
	ops = append(ops, storage.SetOperation(journalTail, binary.BigEndian.AppendUint64(nil, tail)))
	if err := j.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("write parked data: %w", err)
	}
	j.tail = tail
	for _, p := range parcels {
		j.live[p.id] = struct{}{}
	}
	return nil
}

// number gives the parcels of one batch their ids, from first on.
func number(parcels []*parcel, first uint64) (next uint64) {
	for i, p := range parcels {
		p.id, p.Call = first+uint64(i), first
	}
	return first + uint64(len(parcels))
}

// remove forgets parcels that were accepted downstream. When the storage fails
// they are removed with the next; a restart before that hands them on again.
func (j *journal) remove(ctx context.Context, ids []uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.garbage = append(j.garbage, ids...)
	ops := make([]*storage.Operation, 0, len(j.garbage)+1)
	for _, id := range j.garbage {
		ops = append(ops, storage.DeleteOperation(itemKey(id)))
		delete(j.live, id)
	}
	head := j.head
	for head < j.tail {
		if _, ok := j.live[head]; ok {
			break
		}
		head++
	}
	ops = append(ops, storage.SetOperation(journalHead, binary.BigEndian.AppendUint64(nil, head)))
	if err := j.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("remove parked data: %w", err)
	}
	j.head, j.garbage = head, nil
	return nil
}

func (j *journal) close(ctx context.Context) error { return j.client.Close(ctx) }

func itemKey(id uint64) string { return journalItem + strconv.FormatUint(id, 10) }
