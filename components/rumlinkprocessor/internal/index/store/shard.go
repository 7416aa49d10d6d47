package store

import "sync"

// shard is two generations, and the keys of the one that was cleared last.
type shard[V any] struct {
	mu         sync.Mutex
	young, old generation[V]
	born       int64 // when young began
	gone       table
	goneEarly  bool // for lack of space, and not by age

	expired, evicted, evictedTenant int64
}

// put writes an entry. It reports whether entries had to leave for lack of space,
// and whether the entry was written.
func (sh *shard[V]) put(l *limits, now int64, hash uint64, k Key, need int64, refresh bool, f func(*V, bool) int64) (pressed, ok bool) {
	sh.age(l, now)
	if i := sh.young.find(hash, k); i != none {
		return sh.change(l, &sh.young, i, need, f)
	}
	i := sh.old.find(hash, k)
	if i != none && !refresh {
		return sh.change(l, &sh.old, i, need, f)
	}
	cost := need + l.slot
	if i != none {
		cost += sh.old.attached[i]
	}
	if cost > l.most() {
		return true, false
	}
	over := l.tenant > 0 && sh.young.tenants[k.Tenant] >= l.tenant
	pressed = over || sh.full(l, cost, i == none)
	if pressed && l.dropNew {
		return true, false
	}
	v, attached := sh.old.take(l, i)
	switch {
	case over:
		sh.turnTenant(l, k.Tenant)
	case pressed:
		sh.evicted += sh.old.live
		sh.turn(now, true)
	}
	sh.insert(l, hash, k, v, attached, i == none, f)
	return pressed, true
}

func (sh *shard[V]) insert(l *limits, hash uint64, k Key, v V, attached int64, fresh bool, f func(*V, bool) int64) {
	g := &sh.young
	i := g.insert(l, hash, k)
	g.values[i], g.attached[i] = v, attached
	grown := f(&g.values[i], fresh)
	g.attached[i] += grown
	g.bytes += l.slot + attached + grown
}

// change lets f change entry i of g, unless there is no space for what it needs.
func (sh *shard[V]) change(l *limits, g *generation[V], i uint32, need int64, f func(*V, bool) int64) (pressed, ok bool) {
	bytes := g.bytes
	if l.dropNew {
		bytes = sh.young.bytes + sh.old.bytes
	}
	if need > 0 && bytes+need > l.most() {
		return true, false
	}
	grown := f(&g.values[i], false)
	g.attached[i] += grown
	g.bytes += grown
	return false, true
}

// full reports whether another entry needs space that only the old generation
// can give.
func (sh *shard[V]) full(l *limits, cost int64, fresh bool) bool {
	if l.dropNew {
		return fresh && sh.young.live+sh.old.live >= l.entries || sh.young.bytes+sh.old.bytes+cost > l.bytes
	}
	return sh.young.live >= max(1, l.entries/2) || sh.young.bytes+cost > l.bytes/2
}

// age lets generations grow old.
func (sh *shard[V]) age(l *limits, now int64) {
	switch age := now - sh.born; {
	case age <= l.halfLife:
	case age <= 2*l.halfLife:
		sh.expired += sh.old.live
		sh.turn(sh.born+l.halfLife, false) // not now: the old ones must leave in time
	default: // nothing came for long: all memory is given back
		sh.expired += sh.old.live + sh.young.live
		sh.gone, sh.goneEarly = sh.young.table, false
		if sh.old.live > sh.young.live {
			sh.gone = sh.old.table
		}
		if age > 4*l.halfLife {
			sh.gone = table{}
		}
		sh.young, sh.old, sh.born = generation[V]{}, generation[V]{}, now
	}
}

// turn clears the old generation, makes the young one old, and begins another.
func (sh *shard[V]) turn(born int64, early bool) {
	sh.clearOld(early)
	sh.young, sh.old, sh.born = sh.old, sh.young, born
}

// turnTenant lets the entries of one tenant grow old, and those of it that were
// old leave: a tenant that fills its share pays itself.
func (sh *shard[V]) turnTenant(l *limits, tenant uint64) {
	for i := range sh.old.tags {
		if sh.old.is(i, tenant) {
			sh.old.take(l, uint32(i))
			sh.evictedTenant++
		}
	}
	for i := range sh.young.tags {
		if sh.young.is(i, tenant) {
			k := sh.young.keys[i]
			v, attached := sh.young.take(l, uint32(i))
			p := sh.old.insert(l, l.hash(k), k)
			sh.old.values[p], sh.old.attached[p] = v, attached
			sh.old.bytes += l.slot + attached
		}
	}
}

// clearOld empties the old generation but for its keys, which are remembered. It
// keeps its memory only if it needed it.
func (sh *shard[V]) clearOld(early bool) {
	g := &sh.old
	spare := sh.gone
	sh.gone, sh.goneEarly = g.table, early
	if g.live*4 < int64(len(g.tags)) {
		*g = generation[V]{}
		return
	}
	clear(g.values)
	clear(g.attached)
	if len(spare.tags) != len(g.values) {
		spare = newTable(len(g.values))
	}
	clear(spare.tags)
	spare.used = 0
	clear(g.tenants)
	*g = generation[V]{table: spare, values: g.values, attached: g.attached, tenants: g.tenants}
}
