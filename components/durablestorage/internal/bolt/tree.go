package bolt

import "bytes"

// tree walks one B+ tree. Damage below a page is reported to fail, which says
// whether to go on with what is left.
type tree struct {
	f     *boltFile
	limit uint64
	seen  []uint64 // bitmap of visited pages
	leaf  func(p page, e leafElement) error
	fail  func(error) error
}

func newTree(f *boltFile, m boltMeta) *tree {
	limit := min(m.pages, uint64(f.size/f.pageSize)+1)
	return &tree{f: f, limit: m.pages, seen: make([]uint64, limit/64+1), fail: func(err error) error { return err }}
}

// claim marks a page and its overflow as used; a second use is damage.
func (t *tree) claim(p page) error {
	for id := p.id; id <= p.id+uint64(p.overflow); id++ {
		if t.seen[id/64]&(1<<(id%64)) != 0 {
			return damaged("page %d is used twice", id)
		}
		t.seen[id/64] |= 1 << (id % 64)
	}
	return nil
}

// walk visits the tree under page id, whose keys must be in [low, high); a nil
// high is no bound.
func (t *tree) walk(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return t.fail(damaged("tree deeper than %d", maxDepth))
	}
	p, err := t.f.readPage(id, t.limit)
	if err == nil {
		err = t.claim(p)
	}
	if err != nil {
		return t.fail(err)
	}
	switch p.flags {
	case flagLeaf:
		return t.walkLeaf(p, low, high)
	case flagBranch:
		return t.walkBranch(p, low, high, depth)
	}
	return t.fail(damaged("page %d has type %#x", id, p.flags))
}

func (t *tree) walkLeaf(p page, low, high []byte) error {
	var last []byte
	for i := range p.count {
		e, err := p.leaf(i)
		if err == nil {
			err = checkOrder(p.id, e.key, last, low, high, i)
		}
		if err == nil && t.leaf != nil {
			err = t.leaf(p, e)
		}
		if err != nil {
			if err = t.fail(err); err != nil {
				return err
			}
			continue
		}
		last = e.key
	}
	return nil
}

func (t *tree) walkBranch(p page, low, high []byte, depth int) error {
	if p.count == 0 {
		return t.fail(damaged("branch page %d is empty", p.id))
	}
	type child struct {
		key []byte
		id  uint64
	}
	children := make([]child, 0, p.count)
	for i := range p.count {
		key, id, err := p.branch(i)
		if err == nil {
			var last []byte
			if len(children) > 0 {
				last = children[len(children)-1].key
			}
			err = checkOrder(p.id, key, last, low, high, i)
		}
		if err != nil {
			if err = t.fail(err); err != nil {
				return err
			}
			continue
		}
		// The page's buffer is reused by the children.
		children = append(children, child{bytes.Clone(key), id})
	}
	for i, c := range children {
		end := high
		if i+1 < len(children) {
			end = children[i+1].key
		}
		if err := t.walk(c.id, c.key, end, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func checkOrder(id uint64, key, last, low, high []byte, i int) error {
	switch {
	case last != nil && bytes.Compare(key, last) <= 0:
		return damaged("page %d: key %d is out of order", id, i)
	case low != nil && bytes.Compare(key, low) < 0, high != nil && bytes.Compare(key, high) >= 0:
		return damaged("page %d: key %d belongs to another page", id, i)
	}
	return nil
}
