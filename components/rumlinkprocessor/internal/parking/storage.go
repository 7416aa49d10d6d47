package parking

import (
	"cmp"
	"context"
	"slices"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// Recover has the queue keep its items in j, and gives those that an earlier
// process left there a fresh wait: nothing that they wait for is known any more.
// adopt looks at an item: it makes its content known and says what it wants. It
// returns how many records were found. It must be called before Start.
func (q *Queue) Recover(ctx context.Context, j *journal.Journal, adopt func(*Item) error) (records int64, err error) {
	q.journal = j
	var items []*Item
	err = j.Load(ctx, func(n uint64, raw []byte) {
		it := &Item{number: n}
		err := it.unmarshal(raw)
		if err == nil {
			err = adopt(it)
		}
		if err != nil {
			it.Records = max(1, it.Records)
			records += int64(it.Records)
			j.Remove(n)
			q.cfg.Unreadable(ctx, it, err)
			return
		}
		items = append(items, it)
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

// write puts items into the journal. After an error none is there, or will be
// gone with the next write.
func (q *Queue) write(ctx context.Context, items []*Item) error {
	if q.journal == nil {
		return nil
	}
	for _, it := range items {
		it.number = q.journal.Number()
		q.journal.Set(it.number, it.marshal)
	}
	err := q.journal.Sync(ctx)
	if err != nil {
		for _, it := range items {
			q.journal.Remove(it.number)
		}
	}
	return err
}

// remove takes items out of the journal. When the storage fails they are removed
// with the next; a restart before that hands them on again.
func (q *Queue) remove(ctx context.Context, items []*Item) {
	if q.journal == nil {
		return
	}
	for _, it := range items {
		q.journal.Remove(it.number)
	}
	if err := q.journal.Sync(ctx); err != nil {
		q.cfg.NotRemoved(ctx, err)
	}
}
