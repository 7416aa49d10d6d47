package store

import "math/bits"

const (
	none = 1<<32 - 1
	// A table grows by half when four fifths of it are used; so an entry takes
	// 15/8 places at most.
	minPlaces  = 16
	emptyTag   = 0
	removedTag = 1
	firstTag   = 2
)

// table is open addressing: a byte and a key for each place. The byte says
// whether the place is used, and tells most keys apart without looking at them.
type table struct {
	tags []uint8
	keys []Key
	used int // places that are not empty
}

func newTable(places int) table {
	return table{tags: make([]uint8, places), keys: make([]Key, places)}
}

// place is where the search for hash begins, and tag what it looks for. Bits 8
// to 15 and the highest are those that chose no shard.
func (t *table) place(hash uint64) uint32 {
	hi, _ := bits.Mul64(hash, uint64(len(t.tags)))
	return uint32(hi)
}

func tagOf(hash uint64) uint8 { return max(firstTag, uint8(hash>>8)) }

// find returns the place of k, or none. A table is never full, so it ends.
func (t *table) find(hash uint64, k Key) uint32 {
	if len(t.tags) == 0 {
		return none
	}
	tag := tagOf(hash)
	for p := t.place(hash); t.tags[p] != emptyTag; {
		if t.tags[p] == tag && t.keys[p] == k {
			return p
		}
		if p++; int(p) == len(t.tags) {
			p = 0
		}
	}
	return none
}

// add enters k, which must not be there, and returns its place.
func (t *table) add(hash uint64, k Key) uint32 {
	p := t.place(hash)
	for t.tags[p] != emptyTag {
		if p++; int(p) == len(t.tags) {
			p = 0
		}
	}
	t.tags[p], t.keys[p] = tagOf(hash), k
	t.used++
	return p
}

// generation is a table with values.
type generation[V any] struct {
	table
	values   []V
	attached []int64 // bytes attached to each value
	live     int64
	bytes    int64
	tenants  map[uint64]int64 // entries of each, where tenants have a limit
}

// slotBytes is what an entry costs at most beside what is attached to it: 15/8 of
// a place, and one of the keys that are remembered when it has gone.
func slotBytes(value int64) int64 {
	const key, tag, attached = 24, 1, 8
	return (value + attached + 2*(key+tag)) * 15 / 8
}

// insert adds k, which must not be there, and returns where its value is.
func (g *generation[V]) insert(l *limits, hash uint64, k Key) uint32 {
	if (g.used+1)*5 > len(g.tags)*4 {
		g.grow(l)
	}
	if l.tenant > 0 {
		if g.tenants == nil {
			g.tenants = make(map[uint64]int64)
		}
		g.tenants[k.Tenant]++
	}
	g.live++
	return g.add(hash, k)
}

// grow moves everything to larger arrays, or to ones of the same size if what
// was removed takes much of the space.
func (g *generation[V]) grow(l *limits) {
	places := max(minPlaces, len(g.tags))
	if g.live*2 > int64(len(g.tags)) {
		places = len(g.tags) * 3 / 2
	}
	t, values, attached := newTable(places), make([]V, places), make([]int64, places)
	for i, tag := range g.tags {
		if tag >= firstTag {
			p := t.add(l.hash(g.keys[i]), g.keys[i])
			values[p], attached[p] = g.values[i], g.attached[i]
		}
	}
	g.table, g.values, g.attached = t, values, attached
}

// take removes the entry at place i, if any, and returns it.
func (g *generation[V]) take(l *limits, i uint32) (v V, attached int64) {
	if i == none {
		return v, 0
	}
	v, attached = g.values[i], g.attached[i]
	g.values[i], g.attached[i] = *new(V), 0
	g.tags[i] = removedTag
	g.live--
	g.bytes -= l.slot + attached
	if l.tenant > 0 {
		if k := g.keys[i]; g.tenants[k.Tenant] > 1 {
			g.tenants[k.Tenant]--
		} else {
			delete(g.tenants, k.Tenant)
		}
	}
	return v, attached
}

// remove forgets k and reports whether it was there.
func (g *generation[V]) remove(l *limits, hash uint64, k Key) bool {
	i := g.find(hash, k)
	g.take(l, i)
	return i != none
}

// is reports whether the entry at place i is one of a tenant.
func (g *generation[V]) is(i int, tenant uint64) bool {
	return g.tags[i] >= firstTag && g.keys[i].Tenant == tenant
}
