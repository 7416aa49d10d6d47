package ttlset

import "time"

// Set remembers keys. It keeps two generations, and forgets the older one when
// the younger is full or ttl old. So a key is remembered for ttl to twice ttl
// after it was added, unless more than max others came after it.
type Set[K comparable] struct {
	max        int // keys in a generation
	ttl        time.Duration
	young, old map[K]struct{}
	born       time.Time // when young began
	evicted    int64
}

// NewSet returns a Set that remembers at least the last limit keys of the last
// ttl, and never more than twice limit.
func NewSet[K comparable](limit int, ttl time.Duration) *Set[K] {
	return &Set[K]{max: max(1, limit), ttl: ttl}
}

// Add adds key and reports whether it was not there.
func (s *Set[K]) Add(key K, now time.Time) bool {
	s.Sweep(now)
	if s.has(key) {
		return false
	}
	if len(s.young) >= s.max {
		s.evicted += int64(len(s.old))
		s.turn(now)
	}
	if s.young == nil {
		s.young = make(map[K]struct{})
	}
	s.young[key] = struct{}{}
	return true
}

// Has reports whether key was added lately.
func (s *Set[K]) Has(key K, now time.Time) bool {
	s.Sweep(now)
	return s.has(key)
}

// Remove forgets key.
func (s *Set[K]) Remove(key K) {
	delete(s.young, key)
	delete(s.old, key)
}

// Sweep gives back the memory of keys whose time is over. Add and Has do it too,
// so it matters only where they are not called for long.
func (s *Set[K]) Sweep(now time.Time) {
	switch age := now.Sub(s.born); {
	case age > 2*s.ttl:
		s.young, s.old, s.born = nil, nil, now
	case age > s.ttl:
		s.turn(now)
	}
}

// Len returns the number of keys.
func (s *Set[K]) Len() int { return len(s.young) + len(s.old) }

// Evicted returns how many keys were forgotten for others, perhaps before their time.
func (s *Set[K]) Evicted() int64 { return s.evicted }

func (s *Set[K]) has(key K) bool {
	if _, ok := s.young[key]; ok {
		return true
	}
	_, ok := s.old[key]
	return ok
}

func (s *Set[K]) turn(now time.Time) { s.young, s.old, s.born = nil, s.young, now }
