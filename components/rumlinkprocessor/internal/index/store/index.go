package store

const minIndex = 16

// home is where the search for hash begins. The lowest bits chose the shard.
func (sh *shard[V]) home(hash uint64) uint32 {
	return uint32(hash>>32) & uint32(len(sh.index)-1)
}

// find returns the slot of k, or none.
func (sh *shard[V]) find(_ *Store[V], hash uint64, k Key) uint32 {
	if len(sh.index) == 0 {
		return none
	}
	mask := uint32(len(sh.index) - 1)
	for p := sh.home(hash); sh.index[p] != 0; p = (p + 1) & mask {
		if i := sh.index[p] - 1; sh.at(i).key == k {
			return i
		}
	}
	return none
}

// addIndex enters slot i. The index is at most half full, so a search ends.
func (sh *shard[V]) addIndex(s *Store[V], hash uint64, i uint32) {
	if int(sh.live)*2 > len(sh.index) {
		sh.growIndex(s, i)
	}
	sh.place(hash, i)
}

func (sh *shard[V]) place(hash uint64, i uint32) {
	mask := uint32(len(sh.index) - 1)
	p := sh.home(hash)
	for sh.index[p] != 0 {
		p = (p + 1) & mask
	}
	sh.index[p] = i + 1
}

// growIndex doubles the index and enters all slots but the new one.
func (sh *shard[V]) growIndex(s *Store[V], added uint32) {
	old := sh.index
	sh.index = make([]uint32, max(minIndex, 2*len(old)))
	for _, entry := range old {
		if entry != 0 && entry-1 != added {
			sh.place(s.hash(sh.at(entry-1).key), entry-1)
		}
	}
}

// dropIndex takes slot i out and moves later entries up, so that no search
// stops at the hole.
func (sh *shard[V]) dropIndex(s *Store[V], hash uint64, i uint32) {
	mask := uint32(len(sh.index) - 1)
	hole := sh.home(hash)
	for sh.index[hole] != i+1 {
		hole = (hole + 1) & mask
	}
	for p := (hole + 1) & mask; sh.index[p] != 0; p = (p + 1) & mask {
		home := sh.home(s.hash(sh.at(sh.index[p] - 1).key))
		// An entry may move into the hole only if its search passes there.
		if (p-home)&mask >= (p-hole)&mask {
			sh.index[hole] = sh.index[p]
			hole = p
		}
	}
	sh.index[hole] = 0
}
