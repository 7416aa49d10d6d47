package durablestorage

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Keys of exporterhelper's persistent queue: one for its metadata, and decimal
// numbers for its requests. The legacy keys are those before v0.129.
const (
	metadataKey = "qmv0"

	legacyReadKey       = "ri"
	legacyWriteKey      = "wi"
	legacyDispatchedKey = "di"
)

// metadata is exporterhelper's PersistentMetadata
// (exporterhelper/internal/queue/meta.proto). Requests from read up to, not
// including, write are waiting; those dispatched are in flight.
type metadata struct {
	itemsSize, bytesSize int64
	read, write          uint64
	dispatched           []uint64
}

var errMetadata = errors.New("queue metadata is not a PersistentMetadata")

// parseMetadata reads the wire form. Fields it does not know are an error: they
// would mean a format in which this package must not rewrite the metadata.
func parseMetadata(b []byte) (metadata, error) {
	var m metadata
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return metadata{}, errMetadata
		}
		b = b[n:]
		switch {
		case typ == protowire.Fixed64Type && num >= 1 && num <= 5:
			v, n := protowire.ConsumeFixed64(b)
			if n < 0 {
				return metadata{}, errMetadata
			}
			b = b[n:]
			switch num {
			case 1:
				m.itemsSize = int64(v)
			case 2:
				m.bytesSize = int64(v)
			case 3:
				m.read = v
			case 4:
				m.write = v
			case 5:
				m.dispatched = append(m.dispatched, v)
			}
		case typ == protowire.BytesType && num == 5:
			packed, n := protowire.ConsumeBytes(b)
			if n < 0 || len(packed)%8 != 0 {
				return metadata{}, errMetadata
			}
			b = b[n:]
			for ; len(packed) > 0; packed = packed[8:] {
				m.dispatched = append(m.dispatched, binary.LittleEndian.Uint64(packed))
			}
		default:
			return metadata{}, errMetadata
		}
	}
	if m.read > m.write {
		return metadata{}, errMetadata
	}
	return m, nil
}

// encode returns the wire form without dispatched requests.
func (m metadata) encode() []byte {
	var b []byte
	for num, v := range []uint64{uint64(m.itemsSize), uint64(m.bytesSize), m.read, m.write} {
		if v != 0 {
			b = protowire.AppendTag(b, protowire.Number(num+1), protowire.Fixed64Type)
			b = protowire.AppendFixed64(b, v)
		}
	}
	if len(b) == 0 {
		// An empty value would read as "no metadata".
		b = protowire.AppendTag(b, 4, protowire.Fixed64Type)
		b = protowire.AppendFixed64(b, 0)
	}
	return b
}

// mayHold says whether a request with this number can still belong to a queue
// that had this metadata once. The metadata may be an old copy, so everything
// behind its write index counts as queued since.
func (m metadata) mayHold(index uint64) bool {
	return index >= m.read || slices.Contains(m.dispatched, index)
}

// requestIndex returns the number in a request's key. Only the form that
// strconv writes counts: "007" is somebody else's key.
func requestIndex(key string) (uint64, bool) {
	n, err := strconv.ParseUint(key, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == key
}

func requestKey(index uint64) string { return strconv.FormatUint(index, 10) }
