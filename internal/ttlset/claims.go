package ttlset

import (
	"sync"
	"time"
)

// Claim is the answer to who may work on a key.
type Claim uint8

const (
	// ClaimNew means that the caller may: it must commit or release the key.
	ClaimNew Claim = iota
	// ClaimDone means that the key was committed, or that the caller holds it already.
	ClaimDone
	// ClaimPending means that another owner holds it.
	ClaimPending
)

// Claims lets every key be worked on once: a retry after a failure is new, a
// retry after a success is done. What was committed is remembered as a Set does.
// It is safe for concurrent use.
type Claims[K comparable] struct {
	life time.Duration

	mu   sync.Mutex
	done *Set[K]
	held map[K]holder // as many as the caller works on at once
}

type holder struct {
	owner uint64
	since time.Time
}

// NewClaims remembers at least the last limit committed keys of the last ttl. A
// claim older than life was left by an owner that never ended: it is free again.
func NewClaims[K comparable](limit int, ttl, life time.Duration) *Claims[K] {
	return &Claims[K]{life: life, done: NewSet[K](limit, ttl), held: map[K]holder{}}
}

// Claim takes key for owner.
func (c *Claims[K]) Claim(key K, owner uint64, now time.Time) Claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done.Has(key, now) {
		return ClaimDone
	}
	if h, ok := c.held[key]; ok && now.Sub(h.since) < c.life {
		if h.owner == owner {
			return ClaimDone
		}
		return ClaimPending
	}
	c.held[key] = holder{owner, now}
	return ClaimNew
}

// Commit remembers a claimed key as done.
func (c *Claims[K]) Commit(key K, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, key)
	c.done.Add(key, now)
}

// Release gives a claimed key up, unless another owner has taken it over since.
func (c *Claims[K]) Release(key K, owner uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[key].owner == owner {
		delete(c.held, key)
	}
}

// Sweep gives back the memory of what is too old.
func (c *Claims[K]) Sweep(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.Sweep(now)
	for key, h := range c.held {
		if now.Sub(h.since) >= c.life {
			delete(c.held, key)
		}
	}
}

// Len returns the number of keys that are done or held.
func (c *Claims[K]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done.Len() + len(c.held)
}

// Evicted returns how many committed keys were forgotten for others, perhaps before their time.
func (c *Claims[K]) Evicted() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done.Evicted()
}
