package bolt

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode/utf8"

	"go.etcd.io/bbolt"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// salvageTx is how much one transaction of a rescue writes.
const salvageTx = 4 << 20

// place is where a request's value lies in the damaged file.
type place struct {
	at   int64
	size uint32
	tree bool // reached through the tree, so not a stale copy
}

// Content is what a file holds: an exporter's queue of a signal, or anything.
type Content struct {
	Queue  bool
	Signal string
}

// finds is what a damaged file still holds.
type finds struct {
	of     Content
	meta   queue.Metadata
	known  bool // meta was found
	places map[uint64][]place
	others map[string]place // keys of a file that is no queue
	inTree bool             // others come from a tree, so none are taken from elsewhere
}

// search collects every request that can be reached: first down the trees of
// both meta pages, around what is damaged, then page by page. A free page may
// hold requests that were delivered long ago, so the newest metadata found
// decides which numbers still belong to the queue.
func search(r io.ReaderAt, size int64, of Content) finds {
	found := finds{of: of, places: map[uint64][]place{}, others: map[string]place{}}
	f := &boltFile{r: r, size: size, pageSize: int64(os.Getpagesize())}
	goOn := func(error) error { return nil }
	metas := f.readMetas()
	if len(metas) > 0 {
		f.pageSize = metas[0].pageSize
	}
	for _, m := range metas {
		t := newTree(f, m)
		t.fail = goOn
		var roots []uint64
		t.leaf = func(p page, e leafElement) error {
			if e.bucket && string(e.key) == string(defaultBucket) && len(e.value) >= bucketHead {
				if root := binary.LittleEndian.Uint64(e.value); root != 0 {
					roots = append(roots, root)
				} else {
					found.inline(f, p, e, true)
				}
			}
			return nil
		}
		_ = t.walk(m.root, nil, nil, 0)
		t.leaf = func(p page, e leafElement) error { found.take(f, p, e, true); return nil }
		for _, root := range roots {
			_ = t.walk(root, nil, nil, 0)
		}
	}
	found.inTree = len(found.others) > 0
	for id := uint64(2); id < uint64(size/f.pageSize); id++ {
		p, err := f.readPage(id, uint64(size/f.pageSize)+1)
		if err != nil || p.flags != flagLeaf {
			continue
		}
		for i := range p.count {
			if e, err := p.leaf(i); err == nil {
				found.take(f, p, e, false)
			}
		}
	}
	if found.known {
		for index := range found.places {
			if !found.meta.MayHold(index) {
				delete(found.places, index)
			}
		}
	}
	return found
}

// take notes an element of a leaf page if it is a request or the queue's metadata.
func (s *finds) take(f *boltFile, p page, e leafElement, tree bool) {
	if e.bucket {
		// A small bucket lives in its parent's page.
		if string(e.key) == string(defaultBucket) && len(e.value) >= bucketHead && binary.LittleEndian.Uint64(e.value) == 0 {
			s.inline(f, p, e, tree)
		}
		return
	}
	s.note(string(e.key), e.value, int64(p.id)*f.pageSize+int64(e.valueAt), tree)
}

func (s *finds) note(key string, value []byte, at int64, tree bool) {
	if key == queue.MetadataKey && s.of.Queue {
		m, err := queue.ParseMetadata(value)
		newer := cmp.Or(cmp.Compare(m.Write, s.meta.Write), cmp.Compare(m.Read, s.meta.Read)) > 0
		if err == nil && (!s.known || newer) {
			s.meta, s.known = m, true
		}
		return
	}
	p := place{at, uint32(len(value)), tree}
	if !s.of.Queue {
		// A key that is no text is a sign of a damaged page.
		if _, known := s.others[key]; !known && (tree || !s.inTree) && utf8.ValidString(key) {
			s.others[key] = p
		}
	} else if index, ok := queue.RequestIndex(key); ok && len(s.places[index]) < 4 {
		s.places[index] = append(s.places[index], p)
	}
}

// inline notes the elements of a bucket that lives in its parent's page.
func (s *finds) inline(f *boltFile, parent page, bucket leafElement, tree bool) {
	b := bucket.value[bucketHead:]
	if len(b) < pageHeader {
		return
	}
	p := page{id: parent.id, count: int(binary.LittleEndian.Uint16(b[10:])), data: b}
	for i := range p.count {
		if e, err := p.leaf(i); err == nil {
			at := int64(parent.id)*f.pageSize + int64(bucket.valueAt) + bucketHead + int64(e.valueAt)
			s.note(string(e.key), e.value, at, tree)
		}
	}
}

// Rescue writes what r still holds as a new queue file, in the order in which
// it was queued, and returns the number of intact and of damaged requests. The
// file is complete and on disk when Rescue returns nil.
func Rescue(r io.ReaderAt, size int64, of Content, path string) (intact, corrupt int64, err error) {
	found := search(r, size, of)
	indexes := make([]uint64, 0, len(found.places))
	for index := range found.places {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)

	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return 0, 0, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()

	if found.known {
		// Numbers of the queue without a request: overwritten, or never written
		// because the disk was full. Count them, an alarm too many is cheap.
		expected := found.meta.Write - found.meta.Read + uint64(len(found.meta.Dispatched))
		corrupt = int64(expected - min(expected, uint64(len(indexes))))
	}
	var meta queue.Metadata
	for len(indexes) > 0 {
		err = db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists(defaultBucket)
			if err != nil {
				return err
			}
			for written := 0; len(indexes) > 0 && written < salvageTx; indexes = indexes[1:] {
				value, items := firstIntact(r, of.Signal, found.places[indexes[0]])
				if value == nil {
					corrupt++
					continue
				}
				if err := bucket.Put([]byte(queue.RequestKey(meta.Write)), value); err != nil {
					return err
				}
				intact++
				meta.Write++
				meta.ItemsSize += int64(items)
				meta.BytesSize += int64(len(value))
				written += len(value)
			}
			return bucket.Put([]byte(queue.MetadataKey), meta.Encode())
		})
		if err != nil {
			return intact, corrupt, fmt.Errorf("write salvaged requests: %w", err)
		}
	}
	n, err := found.copyOthers(r, db)
	if err != nil {
		return intact, corrupt, fmt.Errorf("write salvaged keys: %w", err)
	}
	return intact + n, corrupt, db.Sync()
}

// copyOthers brings over the keys of a file that is no queue, as they are: what
// a good value is only their owner knows.
func (s *finds) copyOthers(r io.ReaderAt, db *bbolt.DB) (copied int64, err error) {
	for key, p := range s.others {
		value := make([]byte, p.size)
		if _, err := r.ReadAt(value, p.at); err != nil {
			continue
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists(defaultBucket)
			if err != nil {
				return err
			}
			return bucket.Put([]byte(key), value)
		})
		if err != nil {
			return copied, err
		}
		copied++
	}
	return copied, nil
}

// firstIntact returns the first copy of a request that can be decoded.
func firstIntact(r io.ReaderAt, signal string, places []place) ([]byte, int) {
	for _, p := range places {
		value := make([]byte, p.size)
		if _, err := r.ReadAt(value, p.at); err != nil || len(value) == 0 {
			continue
		}
		if items, err := queue.CountItems(signal, value); err == nil {
			return value, items
		}
	}
	return nil, 0
}
