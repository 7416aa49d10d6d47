package store

import (
	"sync"
	"time"
)

const seenShards = 16

// Seen remembers fingerprints for at least a TTL, or, when there are too many,
// the most recent half of its capacity at least. Two generations: the young
// one becomes the old one when it is full or a TTL old.
type Seen struct {
	ttl    int64
	max    int // per generation and shard
	now    func() int64
	shards [seenShards]seenShard
}

type seenShard struct {
	mu         sync.Mutex
	young, old map[uint64]struct{}
	born       int64
}

// NewSeen returns an empty set for at most capacity fingerprints of about
// 20 bytes each.
func NewSeen(capacity int, ttl time.Duration, now func() int64) *Seen {
	return &Seen{ttl: int64(ttl), max: max(1, capacity/(2*seenShards)), now: now}
}

// First adds a fingerprint and reports whether it was not there before.
func (s *Seen) First(fingerprint uint64) bool {
	sh := &s.shards[fingerprint%seenShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.turn(sh, s.now())
	if _, ok := sh.young[fingerprint]; ok {
		return false
	}
	if _, ok := sh.old[fingerprint]; ok {
		return false
	}
	if sh.young == nil {
		sh.young = make(map[uint64]struct{})
	}
	sh.young[fingerprint] = struct{}{}
	return true
}

// Sweep gives back the memory of generations whose time is over.
func (s *Seen) Sweep() {
	now := s.now()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		s.turn(sh, now)
		sh.mu.Unlock()
	}
}

func (s *Seen) turn(sh *seenShard, now int64) {
	switch {
	case now-sh.born > 2*s.ttl:
		sh.young, sh.old, sh.born = nil, nil, now
	case now-sh.born > s.ttl || len(sh.young) >= s.max:
		sh.young, sh.old, sh.born = nil, sh.young, now
	}
}
