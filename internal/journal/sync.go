package journal

import (
	"context"
	"encoding/binary"
	"fmt"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// write is one call to the storage, shared by all who wait for it.
type write struct {
	done chan struct{}
	err  error // valid when done is closed
}

// Sync returns nil when everything that was noted before the call is in the
// storage. The first of several overlapping calls writes for all of them.
func (j *Journal) Sync(ctx context.Context) error {
	j.mu.Lock()
	if j.next == nil {
		j.next = &write{done: make(chan struct{})}
	}
	w := j.next
	j.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case j.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-j.writing }()
	select {
	case <-w.done: // whoever wrote before wrote this too
	default:
		// A caller that gives up must not fail the others' write.
		w.err = j.write(context.WithoutCancel(ctx))
		close(w.done)
	}
	return w.err
}

// write sends everything noted to the storage. What the storage refuses is noted
// again, unless it has changed meanwhile.
func (j *Journal) write(ctx context.Context) error {
	j.mu.Lock()
	changed, limit := j.changed, j.numbers.limit
	j.changed = make(map[uint64]func() []byte, len(changed))
	j.next = nil
	j.mu.Unlock()
	if len(changed) == 0 && limit == j.limit {
		return nil
	}
	err := j.client.Batch(ctx, j.operations(changed, limit)...)
	if err == nil {
		j.limit = limit
		return nil
	}
	j.mu.Lock()
	for n, value := range changed {
		if _, newer := j.changed[n]; !newer {
			j.changed[n] = value
		}
	}
	j.mu.Unlock()
	return fmt.Errorf("write held items: %w", err)
}

// operations puts a limit that rises before the items and one that falls behind
// them: a storage that stops half-way must not leave an item above the limit.
func (j *Journal) operations(changed map[uint64]func() []byte, limit uint64) []*storage.Operation {
	ops := make([]*storage.Operation, 0, len(changed)+1)
	newLimit := storage.SetOperation(limitKey, binary.BigEndian.AppendUint64(nil, limit))
	if limit > j.limit {
		ops = append(ops, newLimit)
	}
	for n, value := range changed {
		var raw []byte
		if value != nil {
			raw = value()
		}
		if raw == nil {
			ops = append(ops, storage.DeleteOperation(itemKey(n)))
		} else {
			ops = append(ops, storage.SetOperation(itemKey(n), raw))
		}
	}
	if limit < j.limit {
		ops = append(ops, newLimit)
	}
	return ops
}
