package log

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// place is where an item is.
type place struct {
	segment *segment
	at      int64
	size    int // of the record
}

// index is what the log knows without looking at the disk.
type index struct {
	items map[uint64]place // those that are waited for
	keys  map[string][]byte
	live  int64  // bytes of the items' records
	next  uint64 // above every item's index that was ever seen
}

func newIndex() *index { return &index{items: map[uint64]place{}, keys: map[string][]byte{}} }

// apply does what a record says.
func (x *index) apply(s *segment, at int64, r record) {
	switch r.kind {
	case kindItem:
		x.add(r.index, place{s, at, r.size})
	case kindDone:
		for b := r.payload; len(b) > 0; b = b[8:] {
			x.done(binary.LittleEndian.Uint64(b))
		}
	case kindKey:
		x.keys[string(r.payload[:r.index])] = bytes.Clone(r.payload[r.index:])
	case kindGone:
		delete(x.keys, string(r.payload))
	case kindSealed:
	}
}

// add makes an item one that is waited for. It may have been moved from another place.
func (x *index) add(i uint64, p place) {
	x.done(i)
	x.items[i] = p
	x.live += int64(p.size)
	x.next = max(x.next, i+1)
	p.segment.waiting++
}

// done forgets an item, and reports whether it was waited for.
func (x *index) done(i uint64) bool {
	x.next = max(x.next, i+1)
	p, ok := x.items[i]
	if !ok {
		return false
	}
	delete(x.items, i)
	x.live -= int64(p.size)
	p.segment.waiting--
	return true
}

// in returns the items of a segment, in order.
func (x *index) in(s *segment) []uint64 {
	var list []uint64
	for i, p := range x.items {
		if p.segment == s {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	return list
}

func (x *index) sorted() []uint64 { return slices.Sorted(maps.Keys(x.items)) }
