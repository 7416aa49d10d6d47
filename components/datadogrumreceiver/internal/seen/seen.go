package datadogrumreceiver

import (
	"hash/maphash"
	"sync"
	"time"
)

// digest stands for a body or an event. The seeds are this process's own, so
// nobody outside can make two of them equal.
type digest [2]uint64

var digestSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func digestOf(parts ...string) (d digest) {
	var buf [256]byte
	b := buf[:0]
	for _, part := range parts {
		b = append(append(b, part...), 0)
	}
	for i, seed := range digestSeeds {
		d[i] = maphash.Bytes(seed, b)
	}
	return d
}

type claim uint8

const (
	claimNew     claim = iota // first seen; the caller must commit or release it
	claimDone                 // converted before
	claimPending              // another request is converting it right now
)

// claimLife is how long a request may take to convert a body. A claim that is
// older was left by one that never ended.
const claimLife = 5 * time.Minute

// seenTable remembers what was converted, for a time and up to a number: the
// oldest is forgotten first. An entry is claimed before it is converted and
// committed when the pipelines took it, so a retry after a refusal is converted
// and a retry after an acceptance is not.
type seenTable struct {
	mu      sync.Mutex
	entries map[digest]seenEntry
	order   []seenKey // a ring: order[head:] then order[:head], oldest first, once full
	head    int
	max     int
	ttl     time.Duration
	evicted int64
}

type seenEntry struct {
	at    time.Time
	owner uint64 // 0 once committed
}

type seenKey struct {
	key digest
	at  time.Time
}

func newSeenTable(limit int, ttl time.Duration) *seenTable {
	return &seenTable{entries: map[digest]seenEntry{}, max: limit, ttl: ttl}
}

// claim takes key for owner, which must not be 0. A key the same owner holds
// already counts as done: a body may name an event twice.
func (t *seenTable) claim(key digest, owner uint64, now time.Time) claim {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.entries[key]
	switch {
	case ok && e.owner == owner:
		return claimDone
	case ok && e.owner != 0 && now.Sub(e.at) < claimLife:
		return claimPending
	case ok && e.owner == 0 && now.Sub(e.at) < t.ttl:
		return claimDone
	}
	t.entries[key] = seenEntry{at: now, owner: owner}
	return claimNew
}

// commit remembers the claimed key.
func (t *seenTable) commit(key digest, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries[key] = seenEntry{at: now}
	if len(t.order) < t.max {
		t.order = append(t.order, seenKey{key, now})
		return
	}
	oldest := t.order[t.head]
	if e, ok := t.entries[oldest.key]; ok && e.owner == 0 && e.at.Equal(oldest.at) && oldest.key != key {
		delete(t.entries, oldest.key)
		if now.Sub(oldest.at) < t.ttl {
			t.evicted++
		}
	}
	t.order[t.head] = seenKey{key, now}
	t.head = (t.head + 1) % t.max
}

// release gives the claimed key up: nothing was converted.
func (t *seenTable) release(key digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[key].owner != 0 {
		delete(t.entries, key)
	}
}

// takeEvicted returns how many live entries made room for others since it was last called.
func (t *seenTable) takeEvicted() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.evicted
	t.evicted = 0
	return n
}

func (t *seenTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries)
}
