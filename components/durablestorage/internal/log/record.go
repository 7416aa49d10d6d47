package log

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	recordHead = 20
	// maxIndex is the largest number of an item: an index has 56 bits.
	maxIndex = 1<<56 - 1
)

type kind uint8

const (
	kindItem   kind = 1 // payload: the value of the item with this index
	kindDone   kind = 2 // payload: u64 indexes of items that are no longer waited for
	kindKey    kind = 3 // payload: a key, whose length is the index, and its value
	kindGone   kind = 4 // payload: a key that has no value any more
	kindSealed kind = 5 // the segment ends here
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal is what the checksums of one segment begin with.
type seal uint32

func sealOf(seed, segment uint64) seal {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	binary.LittleEndian.PutUint64(b[8:], segment)
	return seal(crc32.Checksum(b[:], castagnoli))
}

func (s seal) sum(b []byte) uint32 { return crc32.Update(uint32(s), castagnoli, b) }

// appendRecord appends a record without its checksums, which depend on the segment
// it will be in.
func appendRecord(b []byte, k kind, index uint64, payload ...[]byte) []byte {
	size := 0
	for _, p := range payload {
		size += len(p)
	}
	var head [recordHead]byte
	binary.LittleEndian.PutUint32(head[4:], uint32(size))
	binary.LittleEndian.PutUint64(head[8:], uint64(k)|index<<8)
	b = append(b, head[:]...)
	for _, p := range payload {
		b = append(b, p...)
	}
	return b
}

// seal sets the checksums of records that follow each other.
func (s seal) seal(records []byte) {
	le := binary.LittleEndian
	for len(records) > 0 {
		n := recordHead + int(le.Uint32(records[4:]))
		le.PutUint32(records[16:], s.sum(records[recordHead:n]))
		le.PutUint32(records, s.sum(records[4:recordHead]))
		records = records[n:]
	}
}

// record is a record that was read.
type record struct {
	kind    kind
	index   uint64
	payload []byte
	size    int // head included
}

// head reads the head at the start of b, and reports whether it is one. Its own
// checksum makes a search in a damaged segment linear, whatever clients wrote there.
func (s seal) head(b []byte) (r record, ok bool) {
	if len(b) < recordHead {
		return r, false
	}
	le := binary.LittleEndian
	word := le.Uint64(b[8:])
	r.kind, r.index, r.size = kind(word), word>>8, recordHead+int(le.Uint32(b[4:]))
	return r, r.kind >= kindItem && r.kind <= kindSealed && s.sum(b[4:recordHead]) == le.Uint32(b)
}

// first returns the record at the start of b, and whether there is a whole one.
func (s seal) first(b []byte) (r record, ok bool) {
	r, ok = s.head(b)
	if !ok || r.size > len(b) {
		return r, false
	}
	r.payload = b[recordHead:r.size:r.size]
	if s.sum(r.payload) != binary.LittleEndian.Uint32(b[16:]) {
		return r, false
	}
	return r, !(r.kind == kindKey && r.index > uint64(len(r.payload)) || r.kind == kindDone && len(r.payload)%8 != 0)
}
