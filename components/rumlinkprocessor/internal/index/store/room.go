package store

import "math"

// shortage says which bound a new entry would break.
type shortage uint8

const (
	enough shortage = iota
	storeFull
	tenantFull
)

// book puts cost bytes, and an entry when fresh, on the account. A store that
// evicts books in any case, and whoever booked trims; so nothing fresh is lost,
// and the bounds are passed for a moment by what is being written just then.
func (s *Store[V]) book(tenant uint64, cost int64, fresh bool) shortage {
	bytes, entries, ofTenant := s.bytes.Add(cost), int64(0), int64(0)
	if fresh {
		entries = s.entries.Add(1)
		ofTenant = s.bookTenant(tenant, 1)
	}
	if !s.cfg.DropNew {
		return enough
	}
	short := enough
	switch {
	case bytes > s.cfg.MaxBytes || entries > int64(s.cfg.MaxEntries):
		short = storeFull
	case s.tenants != nil && ofTenant > s.tenantMax:
		short = tenantFull
	}
	if short != enough {
		s.bytes.Add(-cost)
		if fresh {
			s.entries.Add(-1)
			s.bookTenant(tenant, -1)
		}
	}
	return short
}

// bookTenant changes a tenant's number of entries and returns it.
func (s *Store[V]) bookTenant(tenant uint64, change int64) int64 {
	if s.tenants == nil {
		return 0
	}
	s.tenantsMu.Lock()
	defer s.tenantsMu.Unlock()
	n := s.tenants[tenant] + change
	if n == 0 {
		delete(s.tenants, tenant)
	} else {
		s.tenants[tenant] = n
	}
	return n
}

// trim brings a store that evicts back within its bounds: a tenant over its
// share loses its own oldest, and a full store the oldest of all. No lock is
// held by the caller, and one shard's at a time is taken here.
func (s *Store[V]) trim(k Key) {
	if s.cfg.DropNew {
		return
	}
	for s.tenants != nil && s.bookTenant(k.Tenant, 0) > s.tenantMax {
		if !s.evictOfTenant(k) {
			break
		}
	}
	for s.entries.Load() > int64(s.cfg.MaxEntries) || s.bytes.Load() > s.cfg.MaxBytes {
		sh := s.oldest()
		if sh == nil {
			return
		}
		sh.mu.Lock()
		if i := sh.order.head; i != none {
			now := s.cfg.Now()
			if s.expired(sh.at(i), now) {
				s.evictedTTL.Add(1)
			} else {
				s.evictedCapacity.Add(1)
				s.lastPressure.Store(now)
			}
			s.remove(sh, i)
		}
		sh.mu.Unlock()
	}
}

// dropExpired clears out one expired entry so that k may come in, of the store
// or of k's tenant, and reports whether there was one.
func (s *Store[V]) dropExpired(k Key, short shortage) bool {
	now := s.cfg.Now()
	if short == tenantFull {
		return s.removeOfTenant(k, func(e *slot[V]) bool { return s.expired(e, now) })
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
	if !s.expired(sh.at(i), now) {
		return false
	}
	s.evictedTTL.Add(1)
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

func (s *Store[V]) evictOfTenant(k Key) bool {
	return s.removeOfTenant(k, func(*slot[V]) bool { return true })
}

// removeOfTenant lets the tenant's oldest entry in the shard of k go, or in the
// next shard that has one which may go.
func (s *Store[V]) removeOfTenant(k Key, may func(*slot[V]) bool) bool {
	first := s.hash(k)
	for n := range uint64(shardCount) {
		sh := &s.shards[(first+n)%shardCount]
		sh.mu.Lock()
		l := sh.tenants[k.Tenant]
		if l == nil || !may(sh.at(l.head)) {
			sh.mu.Unlock()
			continue
		}
		if s.expired(sh.at(l.head), s.cfg.Now()) {
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
