package bolt

import (
	"encoding/binary"
	"io"
	"math"
)

// Verify reports with nil that bbolt can map the file and read each of its pages.
// Values are not looked at. An empty file is a new one.
func Verify(r io.ReaderAt, size int64) error {
	if size == 0 {
		return nil
	}
	f := &boltFile{r: r, size: size}
	metas := f.readMetas()
	if len(metas) == 0 {
		return damaged("no valid meta page")
	}
	m := metas[0]
	f.pageSize = m.pageSize
	if m.pages > uint64(size/m.pageSize) {
		return damaged("%d pages in %d bytes", m.pages, size)
	}
	t := newTree(f, m)
	buckets := map[string]uint64{}
	t.leaf = func(p page, e leafElement) error {
		if !e.bucket || len(e.value) < bucketHead {
			return damaged("page %d: the root holds something else than buckets", p.id)
		}
		buckets[string(e.key)] = binary.LittleEndian.Uint64(e.value)
		if binary.LittleEndian.Uint64(e.value) == 0 {
			return verifyInline(e.value[bucketHead:])
		}
		return nil
	}
	if err := t.walk(m.root, nil, nil, 0); err != nil {
		return err
	}
	t.leaf = func(p page, e leafElement) error {
		if e.bucket {
			return damaged("page %d: a bucket inside a bucket", p.id)
		}
		return nil
	}
	for _, root := range buckets {
		if root != 0 {
			if err := t.walk(root, nil, nil, 0); err != nil {
				return err
			}
		}
	}
	return t.verifyFreelist(m)
}

// verifyInline checks a bucket small enough to live in its parent's page.
func verifyInline(b []byte) error {
	if len(b) < pageHeader {
		return damaged("inline bucket of %d bytes", len(b))
	}
	p := page{flags: binary.LittleEndian.Uint16(b[8:]), count: int(binary.LittleEndian.Uint16(b[10:])), data: b}
	if p.flags != flagLeaf {
		return damaged("inline bucket has type %#x", p.flags)
	}
	return (&tree{fail: func(err error) error { return err }}).walkLeaf(p, nil, nil)
}

func (t *tree) verifyFreelist(m boltMeta) error {
	if m.freelist == noFreelist {
		return nil
	}
	p, err := t.f.readPage(m.freelist, m.pages)
	if err != nil {
		return err
	}
	if p.flags != flagFreelist {
		return damaged("freelist page %d has type %#x", p.id, p.flags)
	}
	if err := t.claim(p); err != nil {
		return err
	}
	count, at := uint64(p.count), pageHeader
	if p.count == math.MaxUint16 {
		count, at = binary.LittleEndian.Uint64(p.data[pageHeader:]), pageHeader+8
	}
	if count > uint64(len(p.data)-at)/8 {
		return damaged("freelist of %d pages does not fit page %d", count, p.id)
	}
	last := uint64(1)
	for i := range int(count) {
		id := binary.LittleEndian.Uint64(p.data[at+8*i:])
		if id <= last || id >= m.pages {
			return damaged("freelist entry %d is page %d", i, id)
		}
		if id/64 < uint64(len(t.seen)) && t.seen[id/64]&(1<<(id%64)) != 0 {
			return damaged("page %d is free and used", id)
		}
		last = id
	}
	return nil
}
