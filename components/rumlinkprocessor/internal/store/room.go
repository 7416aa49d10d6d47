package store

import "math"

// shortage says which bound a new entry would break.
type shortage uint8

const (
	enough shortage = iota
	storeFull
	tenantFull
)

// acquire books cost bytes, and an entry when fresh, or nothing at all.
func (s *Store[V]) acquire(tenant uint64, cost int64, fresh bool) shortage {
	if s.bytes.Add(cost) > s.cfg.MaxBytes {
		s.bytes.Add(-cost)
		return storeFull
	}
	if !fresh {
		return enough
	}
	if s.entries.Add(1) > int64(s.cfg.MaxEntries) {
		s.entries.Add(-1)
		s.bytes.Add(-cost)
		return storeFull
	}
	if s.tenants != nil && !s.bookTenant(tenant) {
		s.entries.Add(-1)
		s.bytes.Add(-cost)
		return tenantFull
	}
	return enough
}

func (s *Store[V]) bookTenant(tenant uint64) bool {
	s.tenantsMu.Lock()
	defer s.tenantsMu.Unlock()
	if s.tenants[tenant] >= s.tenantMax {
		return false
	}
	s.tenants[tenant]++
	return true
}

// makeRoom lets one entry go so that k can come in, and says whether one went.
// No lock is held by the caller, and one shard's at a time is taken here.
func (s *Store[V]) makeRoom(k Key, short shortage, now int64) bool {
	if short == tenantFull {
		return s.evictOfTenant(k, now)
	}
	sh := s.oldest()
	if sh == nil {
		return false
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i := sh.order.head
	if i == none {
		return true // somebody else was faster, and made room
	}
	switch expired := s.expired(sh.at(i), now); {
	case expired:
		s.evictedTTL.Add(1)
	case s.cfg.DropNew:
		return false
	default:
		s.evictedCapacity.Add(1)
		s.lastPressure.Store(now)
	}
	s.remove(sh, i)
	return true
}

// oldest returns the shard that holds the oldest entry of the store, nil when
// the store is empty. It reads one published number per shard and locks none.
func (s *Store[V]) oldest() (found *shard[V]) {
	least := int64(math.MaxInt64)
	for i := range s.shards {
		if at := s.shards[i].oldestAt(); at < least {
			least, found = at, &s.shards[i]
		}
	}
	return found
}

// evictOfTenant lets the tenant's own oldest entry go: the oldest in the shard
// of k, or in the next shard that has one.
func (s *Store[V]) evictOfTenant(k Key, now int64) bool {
	first := s.hash(k)
	for n := range uint64(shardCount) {
		sh := &s.shards[(first+n)%shardCount]
		sh.mu.Lock()
		l := sh.tenants[k.Tenant]
		if l == nil {
			sh.mu.Unlock()
			continue
		}
		expired := s.expired(sh.at(l.head), now)
		if !expired && s.cfg.DropNew {
			sh.mu.Unlock()
			continue
		}
		if expired {
			s.evictedTTL.Add(1)
		} else {
			s.evictedTenant.Add(1)
		}
		s.remove(sh, l.head)
		sh.mu.Unlock()
		return true
	}
	return false
}
