package parking

import (
	"errors"
	"slices"
	"sync"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

const bundleVersion = 2

// bundle is what one call parked, as one item of the journal: one write in place
// of one for each log that waits. It shrinks as its items leave.
type bundle struct {
	number uint64
	mu     sync.Mutex
	items  []*Item
}

// marshal writes a version byte and the items that have not left; nil if all have.
func (b *bundle) marshal() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		return nil
	}
	out := []byte{bundleVersion}
	for _, it := range b.items {
		out = it.appendTo(out)
	}
	return out
}

// unmarshal reads what marshal wrote, as far as it can be read.
func (b *bundle) unmarshal(raw []byte) error {
	if len(raw) == 0 || raw[0] != bundleVersion {
		return errors.New("decode waiting items: unknown version")
	}
	for raw = raw[1:]; len(raw) > 0; {
		it := &Item{bundle: b}
		rest, err := it.readFrom(raw)
		if err != nil {
			return err
		}
		b.items, raw = append(b.items, it), rest
	}
	return nil
}

// remove notes in the journal that the item has left.
func (b *bundle) remove(j *journal.Journal, it *Item) {
	b.mu.Lock()
	b.items = slices.DeleteFunc(b.items, func(other *Item) bool { return other == it })
	empty := len(b.items) == 0
	b.mu.Unlock()
	if empty {
		j.Remove(b.number)
	} else {
		j.Set(b.number, b.marshal)
	}
}
