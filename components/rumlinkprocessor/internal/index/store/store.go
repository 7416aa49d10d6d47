// Package store keeps what the index knows: values of one fixed size under
// 24-byte keys, for a limited time, in bounded memory.
//
// It is cut into shards, and each shard holds two generations. What is written
// goes into the young one; when that holds half of the shard's part, or is half a
// TTL old, the old one is cleared as a whole and takes its place. So an entry
// lives at least half a TTL and at most a TTL after its last refreshing write,
// unless more than the store holds come after it; nothing is ever sorted, timed
// or removed one by one. Reads never prolong a life. The keys of the generation
// that was cleared last are remembered until the next is, so that a miss can say
// "expired" instead of "not found".
//
// A store that is full clears its old generation early or refuses new entries, as
// configured. A tenant that fills its share of a generation pays with its own old
// entries, and with drop_new adds nothing until the next.
package store

import (
	"hash/maphash"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	maxShards = 64
	// A shard is not worth having for less.
	minShardEntries = 256
	minShardBytes   = 256 << 10
)

// Key names an entry. Tenant keeps tenants apart; A and B are what the caller
// makes of them.
type Key struct{ Tenant, A, B uint64 }

// Config bounds a store. All fields but DropNew and TenantShare must be set.
type Config struct {
	MaxEntries int
	MaxBytes   int64
	TTL        time.Duration
	// DropNew refuses new entries when full; else old ones leave early.
	DropNew bool
	// TenantShare is the part of a generation that one tenant may fill; 0 or 1
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
	Entries         int64
	Bytes           int64 // what they cost, by the store's own account
	EvictedTTL      int64
	EvictedCapacity int64
	EvictedTenant   int64
	DroppedNew      int64
}

// Store is safe for concurrent use.
type Store[V any] struct {
	cfg    Config
	limits limits
	seed   maphash.Seed
	shards []shard[V]

	droppedNew   atomic.Int64
	lastPressure atomic.Int64
}

// limits are the bounds of one shard.
type limits struct {
	entries, bytes int64 // of both generations
	slot           int64 // bytes of an entry beside what is attached to it
	tenant         int64 // entries of one tenant in a generation; 0 no limit
	halfLife       int64
	dropNew        bool
	hash           func(Key) uint64
}

// most is how many bytes a generation may take. One that never has to leave for
// another may take all.
func (l *limits) most() int64 {
	if l.dropNew {
		return l.bytes
	}
	return l.bytes / 2
}

// New returns an empty store. It allocates next to nothing until used.
func New[V any](cfg Config) *Store[V] {
	n := min(maxShards, cfg.MaxEntries/minShardEntries, int(cfg.MaxBytes/minShardBytes))
	n = 1 << (bits.Len(uint(max(1, n))) - 1)
	l := limits{
		entries:  int64(cfg.MaxEntries / n),
		bytes:    cfg.MaxBytes / int64(n),
		slot:     slotBytes(int64(unsafe.Sizeof(*new(V)))),
		halfLife: max(1, int64(cfg.TTL/2)),
		dropNew:  cfg.DropNew,
	}
	if cfg.TenantShare > 0 && cfg.TenantShare < 1 {
		l.tenant = max(1, int64(cfg.TenantShare*float64(l.entries/2)))
	}
	s := &Store[V]{cfg: cfg, limits: l, seed: maphash.MakeSeed(), shards: make([]shard[V], n)}
	s.limits.hash = s.hash
	s.lastPressure.Store(math.MinInt64)
	return s
}

// Put gives f the value under k to change, a zero one with fresh true when k is
// not known. need is an upper bound, in bytes, of what f will attach to the value
// beyond its fixed size; f returns what it did attach. A fresh entry's life
// begins now; refresh begins the life of a known one again. Put returns Hit, or
// Full when there was no space, and then f was not called.
//
// f runs under a lock: it must be short and must not use the store.
func (s *Store[V]) Put(k Key, need int64, refresh bool, f func(v *V, fresh bool) (grown int64)) Result {
	hash := s.hash(k)
	now := s.cfg.Now()
	sh := s.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	pressed, ok := sh.put(&s.limits, now, hash, k, need, refresh, f)
	if pressed {
		s.lastPressure.Store(now)
	}
	if !ok {
		s.droppedNew.Add(1)
		return Full
	}
	return Hit
}

// View shows f the value under k, if it is live. f runs under a lock.
func (s *Store[V]) View(k Key, f func(v *V)) Result {
	hash := s.hash(k)
	now := s.cfg.Now()
	sh := s.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.age(&s.limits, now)
	for _, g := range [...]*generation[V]{&sh.young, &sh.old} {
		if i := g.find(hash, k); i != none {
			f(&g.values[i])
			return Hit
		}
	}
	switch last := s.lastPressure.Load(); {
	case sh.gone.find(hash, k) != none && !sh.goneEarly:
		return Expired
	case last != math.MinInt64 && now-last <= int64(s.cfg.TTL):
		return Full
	}
	return Missing
}

// Remove forgets k at once and reports whether it was there.
func (s *Store[V]) Remove(k Key) bool {
	hash := s.hash(k)
	sh := s.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.age(&s.limits, s.cfg.Now())
	return sh.young.remove(&s.limits, hash, k) || sh.old.remove(&s.limits, hash, k)
}

// Sweep gives back the memory of generations whose time is over.
func (s *Store[V]) Sweep() {
	now := s.cfg.Now()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.age(&s.limits, now)
		sh.mu.Unlock()
	}
}

// Stats returns the totals so far.
func (s *Store[V]) Stats() (t Stats) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		t.Entries += sh.young.live + sh.old.live
		t.Bytes += sh.young.bytes + sh.old.bytes
		t.EvictedTTL += sh.expired
		t.EvictedCapacity += sh.evicted
		t.EvictedTenant += sh.evictedTenant
		sh.mu.Unlock()
	}
	t.DroppedNew = s.droppedNew.Load()
	return t
}

// hash spreads keys, which strangers choose, by a seed that they do not know.
func (s *Store[V]) hash(k Key) uint64 { return maphash.Comparable(s.seed, k) }

// shard is chosen by the lowest bits of the hash; the highest choose the place.
func (s *Store[V]) shard(hash uint64) *shard[V] { return &s.shards[hash&uint64(len(s.shards)-1)] }
