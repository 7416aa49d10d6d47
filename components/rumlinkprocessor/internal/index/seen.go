package index

import (
	"sync"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

const seenShards = 16

// seenLately remembers fingerprints for at least a TTL, or, when there are too
// many, the most recent half of its capacity at least.
type seenLately struct {
	now    func() int64
	shards [seenShards]struct {
		mu  sync.Mutex
		set *ttlset.Set[uint64]
	}
}

// newSeen returns an empty set for at most capacity fingerprints.
func newSeen(capacity int, ttl time.Duration, now func() int64) *seenLately {
	s := &seenLately{now: now}
	for i := range s.shards {
		s.shards[i].set = ttlset.NewSet[uint64](capacity/(2*seenShards), ttl)
	}
	return s
}

// first adds a fingerprint and reports whether it was not there before.
func (s *seenLately) first(fingerprint uint64) bool {
	sh := &s.shards[fingerprint%seenShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.set.Add(fingerprint, time.Unix(0, s.now()))
}

// sweep gives back the memory of fingerprints whose time is over.
func (s *seenLately) sweep() {
	now := time.Unix(0, s.now())
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.set.Sweep(now)
		sh.mu.Unlock()
	}
}
