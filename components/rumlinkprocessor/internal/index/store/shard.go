package store

import (
	"math"
	"sync"
	"sync/atomic"
)

const (
	none      = math.MaxUint32
	chunkBits = 7
	chunkSize = 1 << chunkBits
)

// slot is one entry. Its four links make two lists, both from the oldest to
// the youngest: all entries of the shard, and those of its tenant.
type slot[V any] struct {
	key          Key
	at           int64 // when its life began
	extra        int64 // bytes attached to val
	next, prev   uint32
	tnext, tprev uint32
	val          V
}

type list struct{ head, tail uint32 }

// shard is a slab of slots, an index into it and the two lists. Slots lie in
// chunks, so that growing copies nothing; an empty shard gives them all back.
type shard[V any] struct {
	mu      sync.Mutex
	oldestP atomic.Int64 // when the head's life began; MaxInt64 when empty
	chunks  []*[chunkSize]slot[V]
	used    uint32 // slots of the slab that were ever taken
	free    uint32 // list of freed slots, by next
	live    uint32
	index   []uint32 // open addressing: slot number + 1, 0 is an empty place
	order   list
	tenants map[uint64]*list
}

func (sh *shard[V]) init(tenants bool) {
	sh.free = none
	sh.order = list{none, none}
	sh.oldestP.Store(math.MaxInt64)
	if tenants {
		sh.tenants = make(map[uint64]*list)
	}
}

func (sh *shard[V]) at(i uint32) *slot[V] {
	return &sh.chunks[i>>chunkBits][i&(chunkSize-1)]
}

func (sh *shard[V]) oldestAt() int64 { return sh.oldestP.Load() }

func (sh *shard[V]) publishOldest() {
	if sh.order.head == none {
		sh.oldestP.Store(math.MaxInt64)
		return
	}
	sh.oldestP.Store(sh.at(sh.order.head).at)
}

// insert takes a slot for k, which must not be there yet.
func (sh *shard[V]) insert(s *Store[V], hash uint64, k Key, now int64) uint32 {
	i := sh.free
	if i != none {
		sh.free = sh.at(i).next
	} else {
		i = sh.used
		if int(i>>chunkBits) == len(sh.chunks) {
			sh.chunks = append(sh.chunks, new([chunkSize]slot[V]))
		}
		sh.used++
	}
	e := sh.at(i)
	e.key, e.at = k, now
	sh.live++
	sh.addIndex(s, hash, i)
	sh.appendOrder(i)
	return i
}

// delete gives slot i back. Values hold pointers, so the slot is zeroed.
func (sh *shard[V]) delete(s *Store[V], i uint32) {
	e := sh.at(i)
	sh.dropIndex(s, s.hash(e.key), i)
	sh.unlinkOrder(i)
	sh.live--
	if sh.live == 0 {
		sh.chunks, sh.index = nil, nil
		sh.used, sh.free = 0, none
	} else {
		*e = slot[V]{next: sh.free}
		sh.free = i
	}
	sh.publishOldest()
}

// refresh makes i the youngest entry.
func (sh *shard[V]) refresh(i uint32, now int64) {
	sh.unlinkOrder(i)
	sh.at(i).at = now
	sh.appendOrder(i)
	sh.publishOldest()
}

func (sh *shard[V]) appendOrder(i uint32) {
	e := sh.at(i)
	e.next, e.prev = none, sh.order.tail
	if e.prev == none {
		sh.order.head = i
		sh.publishOldest()
	} else {
		sh.at(e.prev).next = i
	}
	sh.order.tail = i
	if sh.tenants == nil {
		return
	}
	l := sh.tenants[e.key.Tenant]
	if l == nil {
		l = &list{none, none}
		sh.tenants[e.key.Tenant] = l
	}
	e.tnext, e.tprev = none, l.tail
	if e.tprev == none {
		l.head = i
	} else {
		sh.at(e.tprev).tnext = i
	}
	l.tail = i
}

func (sh *shard[V]) unlinkOrder(i uint32) {
	e := sh.at(i)
	if e.prev == none {
		sh.order.head = e.next
	} else {
		sh.at(e.prev).next = e.next
	}
	if e.next == none {
		sh.order.tail = e.prev
	} else {
		sh.at(e.next).prev = e.prev
	}
	if sh.tenants == nil {
		return
	}
	l := sh.tenants[e.key.Tenant]
	if e.tprev == none {
		l.head = e.tnext
	} else {
		sh.at(e.tprev).tnext = e.tnext
	}
	if e.tnext == none {
		l.tail = e.tprev
	} else {
		sh.at(e.tnext).tprev = e.tprev
	}
	if l.head == none {
		delete(sh.tenants, e.key.Tenant)
	}
}
