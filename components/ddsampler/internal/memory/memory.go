// Package memory remembers the verdicts on traces, so that a later chunk, or a log, of the same trace meets the same one.
package memory

import (
	"encoding/binary"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Verdict is what was decided about a trace.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Dropped
	Kept
	// The trace was to be dropped, but for an error in it or its rare shape.
	KeptForError
	KeptForShape
)

// Keeps reports whether the trace was kept.
func (v Verdict) Keeps() bool { return v >= Kept }

// IsException reports whether the trace was kept although it was to be dropped.
func (v Verdict) IsException() bool { return v > Kept }

// Memory holds at most max verdicts, in two generations: the young one becomes the old one when it holds half of them or is ttl old, and the old
// one is forgotten as a whole. A trace that is seen again moves to the young one. So a trace is remembered for ttl at least, and twice ttl at
// most, after it was last seen, unless max/2 others have come since.
//
// Two maps cost a third of a linked list per trace, and no allocation of their own for each.
type Memory struct {
	mu         sync.Mutex
	young, old map[uint64]Verdict
	half       int
	ttl        time.Duration
	began      time.Time
}

// New returns an empty memory.
func New(maxEntries int, ttl time.Duration) *Memory {
	return &Memory{half: max(1, maxEntries/2), ttl: ttl, young: map[uint64]Verdict{}}
}

// Lock gives the caller the memory for one batch; Get and Put are for whoever holds it.
func (m *Memory) Lock(now time.Time) {
	m.mu.Lock()
	m.expire(now)
}

// Unlock ends what Lock began.
func (m *Memory) Unlock() { m.mu.Unlock() }

// Get returns the verdict on a trace, and whether it is fresh: one that is not must be put again to be remembered for longer.
func (m *Memory) Get(id pcommon.TraceID) (v Verdict, fresh bool) {
	k := key(id)
	if v = m.young[k]; v != Unknown {
		return v, true
	}
	return m.old[k], false
}

// Put remembers a verdict.
func (m *Memory) Put(id pcommon.TraceID, v Verdict) {
	k := key(id)
	if len(m.young) >= m.half {
		if _, there := m.young[k]; !there {
			m.turn(m.began)
		}
	}
	m.young[k] = v
}

// key is the half of an id that everybody knows: Datadog's log injection and headers
// may say the low 64 bits alone, and its tracers sample by them.
func key(id pcommon.TraceID) uint64 {
	if low := binary.BigEndian.Uint64(id[8:]); low != 0 {
		return low
	}
	return binary.BigEndian.Uint64(id[:8])
}

// Len returns how many verdicts are held; a trace in both generations counts twice.
func (m *Memory) Len(now time.Time) int {
	m.Lock(now)
	defer m.Unlock()
	return len(m.young) + len(m.old)
}

func (m *Memory) expire(now time.Time) {
	if m.began.IsZero() {
		m.began = now
	}
	age := now.Sub(m.began)
	if age < m.ttl {
		return
	}
	m.turn(now)
	if age >= 2*m.ttl {
		m.turn(now)
	}
}

// turn forgets the old generation and reuses its map.
func (m *Memory) turn(now time.Time) {
	m.old, m.young = m.young, m.old
	if m.young == nil {
		m.young = map[uint64]Verdict{}
	}
	clear(m.young)
	m.began = now
}
