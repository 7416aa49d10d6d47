package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

const (
	limitKey   = "limit"
	itemPrefix = "item/"
	// How many items Load reads in one call to the storage.
	pageSize = 256
)

// Config says which storage a journal uses and to whom it belongs.
type Config struct {
	// Storage is the id of a storage extension.
	Storage component.ID
	// Kind and Owner are the component that keeps items.
	Kind  component.Kind
	Owner component.ID
	// Name tells several journals of one owner apart.
	Name string
}

// Journal keeps items in a storage. It is safe for concurrent use.
type Journal struct {
	client storage.Client

	mu      sync.Mutex
	numbers numbers
	changed map[uint64]func() []byte // nil func: the item is removed
	next    *write                   // the write that takes what is noted now
	// writing admits one write at a time. limit, the limit in the storage,
	// belongs to whoever was admitted.
	writing chan struct{}
	limit   uint64
}

// Open finds the storage extension among those of the service and opens the
// journal of its owner in it.
func Open(ctx context.Context, host component.Host, cfg Config) (*Journal, error) {
	found, ok := host.GetExtensions()[cfg.Storage]
	if !ok {
		return nil, fmt.Errorf("storage %s is not among service::extensions", cfg.Storage)
	}
	ext, ok := found.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage %s is not a storage extension", cfg.Storage)
	}
	client, err := ext.GetClient(ctx, cfg.Kind, cfg.Owner, cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("open storage %s: %w", cfg.Storage, err)
	}
	return &Journal{client: client, changed: make(map[uint64]func() []byte), writing: make(chan struct{}, 1)}, nil
}

// Load calls each with every item that an earlier process left, in order of
// their numbers. It must be called once, before any other method.
func (j *Journal) Load(ctx context.Context, each func(n uint64, value []byte)) error {
	raw, err := j.client.Get(ctx, limitKey)
	switch {
	case err != nil:
		return fmt.Errorf("read number of held items: %w", err)
	case raw == nil:
		return nil
	case len(raw) != 8:
		return fmt.Errorf("read number of held items: want 8 bytes, got %d", len(raw))
	}
	j.limit = binary.BigEndian.Uint64(raw)
	if j.limit > maxItems {
		return fmt.Errorf("read number of held items: want at most %d, got %d", uint64(maxItems), j.limit)
	}
	j.numbers.limit = j.limit
	for from := uint64(0); from < j.limit; from += pageSize {
		if err := j.loadPage(ctx, from, min(from+pageSize, j.limit), each); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) loadPage(ctx context.Context, from, to uint64, each func(n uint64, value []byte)) error {
	ops := make([]*storage.Operation, 0, to-from)
	for n := from; n < to; n++ {
		ops = append(ops, storage.GetOperation(itemKey(n)))
	}
	if err := j.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("read held items: %w", err)
	}
	for i, op := range ops {
		if n := from + uint64(i); op.Value != nil {
			j.numbers.live++
			each(n, op.Value)
		} else {
			j.numbers.free = append(j.numbers.free, n)
		}
	}
	return nil
}

// Number returns a number that no item has and gives it to the caller.
func (j *Journal) Number() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.numbers.take()
}

// Set notes that item n has changed. value is called when it is written, which
// may be in another goroutine and after later changes; nil is no item. It must
// not call the journal.
func (j *Journal) Set(n uint64, value func() []byte) {
	j.mu.Lock()
	j.changed[n] = value
	j.mu.Unlock()
}

// Remove notes that item n is done with and takes its number back.
func (j *Journal) Remove(n uint64) {
	j.mu.Lock()
	j.changed[n] = nil
	j.numbers.give(n)
	j.mu.Unlock()
}

// Pending reports whether something is noted that the storage does not have.
func (j *Journal) Pending() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.changed) > 0
}

// Close writes what is noted and closes the storage client.
func (j *Journal) Close(ctx context.Context) error {
	var err error
	if j.Pending() {
		err = j.Sync(ctx)
	}
	return errors.Join(err, j.client.Close(ctx))
}

func itemKey(n uint64) string { return itemPrefix + strconv.FormatUint(n, 10) }
