// Package store keeps what the join knows: values of one fixed size under
// 24-byte keys, for a fixed time, in bounded memory.
//
// Every entry lives for one TTL counted from its last refreshing write, so the
// order of writing is the order of expiry and nothing is ever sorted or timed.
// A store that is full gives up its oldest entry or refuses the new one, as
// configured; a tenant over its share pays with its own oldest entry. Reads
// never prolong a life. An expired entry is no longer seen but is remembered
// for one more TTL (while nobody needs its place), so that a miss can say
// "expired" instead of "not found".
package store

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	shardCount = 64
	// indexBytes is what the index of a shard costs per entry at most: four
	// bytes per place, a quarter to a half of the places taken.
	indexBytes = 16
	// A writer to a store that drops new entries makes room by clearing out
	// expired ones, and may lose it to other writers this often.
	maxAttempts = 8
)

// Key names an entry. Tenant keeps tenants apart; A and B are what the caller
// makes of them.
type Key struct{ Tenant, A, B uint64 }

// Config bounds a store. All fields but DropNew and TenantShare must be set.
type Config struct {
	MaxEntries int
	MaxBytes   int64
	TTL        time.Duration
	// DropNew refuses new entries when full; else the oldest entry leaves.
	DropNew bool
	// TenantShare is the part of MaxEntries that one tenant may hold; 0 or 1
	// does not tell tenants apart.
	TenantShare float64
	// Now is a monotonic clock in nanoseconds.
	Now func() int64
}

// Result says what a lookup or a write found.
type Result uint8

const (
	// Hit is a live entry.
	Hit Result = iota
	// Missing is a key that is not known, with no sign that it ever was.
	Missing
	// Expired is a key that was known and is too old.
	Expired
	// Full is a key that is not known while, within the last TTL, entries had
	// to leave early or were refused for lack of space; or a refused write.
	Full
)

// Stats are totals since New, except Entries and Bytes.
type Stats struct {
	Entries         int64 // live entries and those remembered as expired
	Bytes           int64 // what they cost, by the store's own account
	EvictedTTL      int64
	EvictedCapacity int64
	EvictedTenant   int64
	DroppedNew      int64
}

// Store is safe for concurrent use.
type Store[V any] struct {
	cfg       Config
	seed      maphash.Seed
	slotBytes int64
	tenantMax int64

	shards [shardCount]shard[V]

	entries, bytes                             atomic.Int64
	evictedTTL, evictedCapacity, evictedTenant atomic.Int64
	droppedNew                                 atomic.Int64
	lastPressure                               atomic.Int64
	youngest                                   atomic.Int64 // when the last life began
	tenantsMu                                  sync.Mutex
	tenants                                    map[uint64]int64
}

// New returns an empty store. It allocates next to nothing until used.
func New[V any](cfg Config) *Store[V] {
	s := &Store[V]{
		cfg:       cfg,
		seed:      maphash.MakeSeed(),
		slotBytes: int64(unsafe.Sizeof(slot[V]{})) + indexBytes,
	}
	if cfg.TenantShare > 0 && cfg.TenantShare < 1 {
		s.tenantMax = max(1, int64(cfg.TenantShare*float64(cfg.MaxEntries)))
		s.tenants = make(map[uint64]int64)
	}
	s.lastPressure.Store(math.MinInt64)
	s.youngest.Store(math.MinInt64)
	for i := range s.shards {
		s.shards[i].init(s.tenantMax > 0)
	}
	return s
}

// Put gives f the value under k to change, a zero one with fresh true when k
// is not known. need is an upper bound, in bytes, of what f will attach to the
// value beyond its fixed size; f returns what it did attach. A fresh entry's
// life begins now; refresh begins the life of a known one again. Put returns
// Hit, or Full when there was no room, and then f was not called; a store that
// evicts has no room only for what is larger than all of it.
//
// f runs under a lock: it must be short and must not use the store.
func (s *Store[V]) Put(k Key, need int64, refresh bool, f func(v *V, fresh bool) (grown int64)) Result {
	if need+s.slotBytes <= s.cfg.MaxBytes {
		for range maxAttempts {
			short := s.put(k, need, refresh, f)
			if short == enough {
				s.trim(k)
				return Hit
			}
			if !s.dropExpired(k, short) {
				break
			}
		}
	}
	s.lastPressure.Store(s.cfg.Now())
	s.droppedNew.Add(1)
	return Full
}

func (s *Store[V]) put(k Key, need int64, refresh bool, f func(v *V, fresh bool) (grown int64)) shortage {
	hash := s.hash(k)
	sh := &s.shards[hash%shardCount]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.cfg.Now()
	i := sh.find(s, hash, k)
	if i != none && s.expired(sh.at(i), now) {
		s.evictedTTL.Add(1)
		s.remove(sh, i)
		i = none
	}
	cost, fresh := need, i == none
	if fresh {
		cost += s.slotBytes
	}
	if short := s.book(k.Tenant, cost, fresh); short != enough {
		return short
	}
	if fresh {
		i = sh.insert(s, hash, k, s.begin(now))
	} else if refresh {
		sh.refresh(i, s.begin(now))
	}
	grown := f(&sh.at(i).val, fresh)
	sh.at(i).extra += grown
	s.bytes.Add(grown - need)
	return enough
}

// View shows f the value under k, if it is live. f runs under a lock.
func (s *Store[V]) View(k Key, f func(v *V)) Result {
	hash := s.hash(k)
	sh := &s.shards[hash%shardCount]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.cfg.Now()
	i := sh.find(s, hash, k)
	if i == none {
		return s.miss(now)
	}
	if s.expired(sh.at(i), now) {
		return Expired
	}
	f(&sh.at(i).val)
	return Hit
}

// Remove forgets k at once and reports whether it was there.
func (s *Store[V]) Remove(k Key) bool {
	hash := s.hash(k)
	sh := &s.shards[hash%shardCount]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i := sh.find(s, hash, k)
	if i == none {
		return false
	}
	s.remove(sh, i)
	return true
}

// Sweep gives back the memory of entries that have been expired for a TTL.
func (s *Store[V]) Sweep() {
	limit := s.cfg.Now() - 2*int64(s.cfg.TTL)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for sh.oldestAt() <= limit {
			s.evictedTTL.Add(1)
			s.remove(sh, sh.order.head)
		}
		sh.mu.Unlock()
	}
}

// Stats returns the totals so far.
func (s *Store[V]) Stats() Stats {
	return Stats{
		Entries:         s.entries.Load(),
		Bytes:           s.bytes.Load(),
		EvictedTTL:      s.evictedTTL.Load(),
		EvictedCapacity: s.evictedCapacity.Load(),
		EvictedTenant:   s.evictedTenant.Load(),
		DroppedNew:      s.droppedNew.Load(),
	}
}

// hash spreads keys, which strangers choose, by a seed that they do not know.
func (s *Store[V]) hash(k Key) uint64 { return maphash.Comparable(s.seed, k) }

// begin returns when a life begins: now, or just after the last one if the
// clock has not moved since, so that of all entries exactly one is the oldest.
func (s *Store[V]) begin(now int64) int64 {
	for {
		last := s.youngest.Load()
		at := max(now, last+1)
		if s.youngest.CompareAndSwap(last, at) {
			return at
		}
	}
}

func (s *Store[V]) expired(e *slot[V], now int64) bool { return now-e.at > int64(s.cfg.TTL) }

func (s *Store[V]) miss(now int64) Result {
	if last := s.lastPressure.Load(); last != math.MinInt64 && now-last <= int64(s.cfg.TTL) {
		return Full
	}
	return Missing
}

// remove takes entry i out of sh, whose lock is held, and off every account.
func (s *Store[V]) remove(sh *shard[V], i uint32) {
	e := sh.at(i)
	s.bytes.Add(-s.slotBytes - e.extra)
	s.entries.Add(-1)
	s.bookTenant(e.key.Tenant, -1)
	sh.delete(s, i)
}
