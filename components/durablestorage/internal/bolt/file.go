package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// The file format is bbolt's version 2, little endian: pages of a fixed size,
// a header of 16 bytes each, two alternating meta pages, B+ trees of branch and
// leaf pages. See go.etcd.io/bbolt/internal/common: page.go, meta.go, bucket.go.
//
// It is read here with ReadAt and checked at every step, since bbolt maps its
// files and trusts them: a damaged page is a panic in one of its goroutines,
// and a truncated file a SIGBUS, and no recover() catches either.
const (
	pageHeader  = 16
	elementHead = 16
	bucketHead  = 16
	metaSize    = 64

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10
	bucketEntry  = 0x01

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	noFreelist = math.MaxUint64
	maxDepth   = 48
	// maxPageBytes bounds one page with its overflow: four requests of the
	// largest size that any receiver takes share one.
	maxPageBytes = 256 << 20
)

var defaultBucket = []byte("default") // file_storage's only bucket

type boltMeta struct {
	pageSize              int64
	root, freelist, pages uint64
	txid                  uint64
}

type boltFile struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	buf      []byte
}

// page is one page's content including what overflows.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint32
	data     []byte // whole page, header included
}

func damaged(format string, args ...any) error { return fmt.Errorf("damaged: "+format, args...) }

// readMetas returns the valid meta pages, newest first.
func (f *boltFile) readMetas() []boltMeta {
	var metas []boltMeta
	// The second meta page is where the page size says, so try the sizes there are.
	for offset := int64(0); offset <= 64<<10; offset = max(1024, 2*offset) {
		b := make([]byte, pageHeader+metaSize)
		if _, err := f.r.ReadAt(b, offset); err != nil {
			continue
		}
		m, err := parseMeta(b[pageHeader:])
		if err != nil || (offset != 0 && offset != m.pageSize) || binary.LittleEndian.Uint16(b[8:]) != flagMeta {
			continue
		}
		if len(metas) > 0 && m.txid > metas[0].txid {
			metas = append([]boltMeta{m}, metas...)
		} else {
			metas = append(metas, m)
		}
	}
	return metas
}

func parseMeta(b []byte) (boltMeta, error) {
	le := binary.LittleEndian
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	m := boltMeta{
		pageSize: int64(le.Uint32(b[8:])), root: le.Uint64(b[16:]),
		freelist: le.Uint64(b[32:]), pages: le.Uint64(b[40:]), txid: le.Uint64(b[48:]),
	}
	switch {
	case le.Uint32(b) != boltMagic || le.Uint32(b[4:]) != boltVersion:
		return m, damaged("not a bbolt meta page")
	case le.Uint64(b[56:]) != sum.Sum64():
		return m, damaged("meta page with a wrong checksum")
	case m.pageSize < 1024 || m.pageSize > 64<<10 || m.pageSize&(m.pageSize-1) != 0:
		return m, damaged("page size %d", m.pageSize)
	case m.root < 2 || m.root >= m.pages:
		return m, damaged("root page %d of %d", m.root, m.pages)
	}
	return m, nil
}

// readPage returns the page if its header fits the file. limit is the page
// number that must not be reached. The content is valid until the next call.
func (f *boltFile) readPage(id, limit uint64) (page, error) {
	if id < 2 || id >= limit || id > uint64(f.size/f.pageSize) {
		return page{}, damaged("page %d out of %d", id, limit)
	}
	var head [pageHeader]byte
	offset := int64(id) * f.pageSize
	if _, err := f.r.ReadAt(head[:], offset); err != nil {
		return page{}, damaged("page %d: %w", id, err)
	}
	le := binary.LittleEndian
	p := page{id: id, flags: le.Uint16(head[8:]), count: int(le.Uint16(head[10:])), overflow: le.Uint32(head[12:])}
	size := (int64(p.overflow) + 1) * f.pageSize
	switch {
	case le.Uint64(head[:]) != id:
		return p, damaged("page %d calls itself %d", id, le.Uint64(head[:]))
	case id+uint64(p.overflow) >= limit, offset+size > f.size, size > maxPageBytes:
		return p, damaged("page %d with %d overflow pages passes the end", id, p.overflow)
	}
	if int64(len(f.buf)) < size {
		f.buf = make([]byte, size)
	}
	p.data = f.buf[:size]
	if _, err := f.r.ReadAt(p.data, offset); err != nil {
		return p, damaged("page %d: %w", id, err)
	}
	return p, nil
}

type leafElement struct {
	bucket     bool
	key, value []byte
	valueAt    int // offset of value in the page
}

// leaf returns element i of a leaf page.
func (p page) leaf(i int) (leafElement, error) {
	at := pageHeader + i*elementHead
	if at+elementHead > len(p.data) {
		return leafElement{}, damaged("page %d: element %d outside", p.id, i)
	}
	le := binary.LittleEndian
	flags := le.Uint32(p.data[at:])
	pos, ksize, vsize := int64(le.Uint32(p.data[at+4:])), int64(le.Uint32(p.data[at+8:])), int64(le.Uint32(p.data[at+12:]))
	start := int64(at) + pos
	if flags > bucketEntry || ksize == 0 || pos < elementHead || start+ksize+vsize > int64(len(p.data)) {
		return leafElement{}, damaged("page %d: element %d outside", p.id, i)
	}
	return leafElement{
		bucket: flags == bucketEntry, key: p.data[start : start+ksize],
		value: p.data[start+ksize : start+ksize+vsize], valueAt: int(start + ksize),
	}, nil
}

// branch returns element i of a branch page.
func (p page) branch(i int) (key []byte, child uint64, err error) {
	at := pageHeader + i*elementHead
	if at+elementHead > len(p.data) {
		return nil, 0, damaged("page %d: element %d outside", p.id, i)
	}
	le := binary.LittleEndian
	start := int64(at) + int64(le.Uint32(p.data[at:]))
	ksize := int64(le.Uint32(p.data[at+4:]))
	if ksize == 0 || start+ksize > int64(len(p.data)) {
		return nil, 0, damaged("page %d: element %d outside", p.id, i)
	}
	return p.data[start : start+ksize], le.Uint64(p.data[at+8:]), nil
}
