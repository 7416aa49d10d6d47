package parking

import (
	"container/list"
	"slices"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// waitList holds the items that wait, by arrival and therefore by deadline, and
// by what they want.
type waitList struct {
	order *list.List // of *Item
	byKey map[index.EntryKey][]*list.Element
}

func newWaitList() waitList {
	return waitList{order: list.New(), byKey: make(map[index.EntryKey][]*list.Element)}
}

func (l *waitList) add(it *Item) {
	el := l.order.PushBack(it)
	for _, k := range it.Wants {
		l.byKey[k] = append(l.byKey[k], el)
	}
}

// oldest returns the item that has waited longest, nil if none waits.
func (l *waitList) oldest() *Item {
	if el := l.order.Front(); el != nil {
		return el.Value.(*Item)
	}
	return nil
}

// takeOldest takes the item out that has waited longest.
func (l *waitList) takeOldest() *Item { return l.take(l.order.Front()) }

// takeAll takes everything out that wants k.
func (l *waitList) takeAll(k index.EntryKey) (items []*Item) {
	elements := l.byKey[k]
	delete(l.byKey, k)
	for _, el := range elements {
		items = append(items, l.take(el))
	}
	return items
}

func (l *waitList) take(el *list.Element) *Item {
	it := l.order.Remove(el).(*Item)
	for _, k := range it.Wants {
		l.forget(k, el)
	}
	return it
}

// forget takes el from those that wait for k. The oldest leave first, and of
// those that wait for k they stand at the front: however many there are, a step
// is short.
func (l *waitList) forget(k index.EntryKey, el *list.Element) {
	elements := l.byKey[k]
	switch i := slices.Index(elements, el); {
	case i < 0: // all that wait for k leave
		return
	case i == 0:
		elements[0] = nil
		elements = elements[1:]
	default:
		elements = slices.Delete(elements, i, i+1)
	}
	if len(elements) == 0 {
		delete(l.byKey, k)
	} else {
		l.byKey[k] = elements
	}
}

func (l *waitList) items() (all []*Item) {
	for el := l.order.Front(); el != nil; el = el.Next() {
		all = append(all, el.Value.(*Item))
	}
	return all
}
