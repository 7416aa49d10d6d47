package ttlset

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Map remembers a value for each of the max keys used last, each until ttl after
// it was last used.
type Map[K comparable, V any] struct {
	ttl     time.Duration // 0: any age
	entries *simplelru.LRU[K, *entry[V]]
	evicted int64
	expired int64
}

type entry[V any] struct {
	value V
	used  time.Time
}

// NewMap returns a Map of at most limit keys. With a ttl of 0 they have no age.
func NewMap[K comparable, V any](limit int, ttl time.Duration) *Map[K, V] {
	entries, err := simplelru.NewLRU[K, *entry[V]](max(1, limit), nil)
	if err != nil {
		panic(err) // only for a limit below 1
	}
	return &Map[K, V]{ttl: ttl, entries: entries}
}

// Get returns the value of key, which counts as used.
func (m *Map[K, V]) Get(key K, now time.Time) (value V, ok bool) {
	m.Expire(now)
	e, ok := m.entries.Get(key)
	if !ok {
		return value, false
	}
	e.used = now
	return e.value, true
}

// Put remembers value for key, which counts as used.
func (m *Map[K, V]) Put(key K, value V, now time.Time) {
	m.Expire(now)
	if e, ok := m.entries.Get(key); ok {
		e.value, e.used = value, now
		return
	}
	if m.entries.Add(key, &entry[V]{value, now}) {
		m.evicted++
	}
}

// Remove forgets key.
func (m *Map[K, V]) Remove(key K) { m.entries.Remove(key) }

// Expire forgets what is too old. Get and Put do it too.
func (m *Map[K, V]) Expire(now time.Time) {
	if m.ttl <= 0 {
		return
	}
	for { // the least recently used comes first
		_, e, ok := m.entries.GetOldest()
		if !ok || now.Sub(e.used) < m.ttl {
			return
		}
		m.entries.RemoveOldest()
		m.expired++
	}
}

// Len returns the number of keys.
func (m *Map[K, V]) Len() int { return m.entries.Len() }

// Evicted returns how many keys were forgotten because there were too many.
func (m *Map[K, V]) Evicted() int64 { return m.evicted }

// Expired returns how many keys were forgotten at their age.
func (m *Map[K, V]) Expired() int64 { return m.expired }
