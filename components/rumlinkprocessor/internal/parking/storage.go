package parking

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// removeWithin is how long it may take until what has left is removed from the
// journal, where no other write takes that along.
const removeWithin = 500 * time.Millisecond

// Recover has the queue keep its items in j, and gives those that an earlier
// process left there a fresh wait: nothing that they wait for is known any more.
// adopt looks at an item: it makes its content known and says what it wants. It
// returns how many records were found. It must be called before Start.
func (q *Queue) Recover(ctx context.Context, j *journal.Journal, adopt func(*Item) error) (records int64, err error) {
	q.journal = j
	var items []*Item
	err = j.Load(ctx, func(n uint64, raw []byte) {
		b := &bundle{number: n}
		err := b.unmarshal(raw)
		for _, it := range slices.Clone(b.items) {
			if err := adopt(it); err != nil {
				records += q.unreadable(ctx, it, err)
				b.remove(j, it)
				continue
			}
			items = append(items, it)
		}
		if err != nil {
			records += q.unreadable(ctx, &Item{}, err)
			if len(b.items) == 0 {
				j.Remove(n)
			}
		}
	})
	if err != nil {
		return 0, err
	}
	if err := j.Sync(ctx); err != nil {
		q.cfg.NotRemoved(ctx, err)
	}
	slices.SortFunc(items, func(a, b *Item) int { return cmp.Compare(a.Seq, b.Seq) })
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		q.bytes += it.Size()
		q.seq = it.Seq + 1
	}
	q.insert(items)
	return records + Count(items), nil
}

// unreadable reports an item of which nothing more than the label could be read.
func (q *Queue) unreadable(ctx context.Context, it *Item, err error) (records int64) {
	it.Records = max(1, it.Records)
	q.cfg.Unreadable(ctx, it, err)
	return int64(it.Records)
}

// write puts items into the journal, as one. After an error none is there, or
// will be gone with the next write.
func (q *Queue) write(ctx context.Context, items []*Item) error {
	if q.journal == nil {
		return nil
	}
	b := &bundle{number: q.journal.Number(), items: slices.Clone(items)}
	for _, it := range items {
		it.bundle = b
	}
	q.journal.Set(b.number, b.marshal)
	err := q.journal.Sync(ctx)
	if err != nil {
		q.journal.Remove(b.number)
	}
	return err
}

// remove notes that items have left; the next write takes that along, or flush
// does. A kill before that hands them on again.
func (q *Queue) remove(items []*Item) {
	if q.journal == nil {
		return
	}
	for _, it := range items {
		it.bundle.remove(q.journal, it)
	}
	if q.removed.IsZero() {
		q.removed = time.Now()
	}
}

// flush writes removals that no other write has taken along for long. It returns
// how long that may still take, or next if there are none or that is sooner.
func (q *Queue) flush(ctx context.Context, next time.Duration) time.Duration {
	if q.removed.IsZero() {
		return next
	}
	left := removeWithin - time.Since(q.removed)
	if left > 0 {
		return min(next, left)
	}
	q.removed = time.Time{}
	if q.journal.Pending() {
		if err := q.journal.Sync(ctx); err != nil {
			q.cfg.NotRemoved(ctx, err)
		}
	}
	return next
}
