package queue

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
	MetadataKey = "qmv0"

	LegacyReadKey       = "ri"
	LegacyWriteKey      = "wi"
	LegacyDispatchedKey = "di"
)

// Metadata is exporterhelper's PersistentMetadata
// (exporterhelper/internal/queue/meta.proto). Requests from read up to, not
// including, write are waiting; those dispatched are in flight.
type Metadata struct {
	ItemsSize, BytesSize int64
	Read, Write          uint64
	Dispatched           []uint64
}

var errMetadata = errors.New("queue metadata is not a PersistentMetadata")

// ParseMetadata reads the wire form. Fields it does not know are an error: they
// would mean a format in which this package must not rewrite the metadata.
func ParseMetadata(b []byte) (Metadata, error) {
	var m Metadata
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Metadata{}, errMetadata
		}
		b = b[n:]
		switch {
		case typ == protowire.Fixed64Type && num >= 1 && num <= 5:
			v, n := protowire.ConsumeFixed64(b)
			if n < 0 {
				return Metadata{}, errMetadata
			}
			b = b[n:]
			switch num {
			case 1:
				m.ItemsSize = int64(v)
			case 2:
				m.BytesSize = int64(v)
			case 3:
				m.Read = v
			case 4:
				m.Write = v
			case 5:
				m.Dispatched = append(m.Dispatched, v)
			}
		case typ == protowire.BytesType && num == 5:
			packed, n := protowire.ConsumeBytes(b)
			if n < 0 || len(packed)%8 != 0 {
				return Metadata{}, errMetadata
			}
			b = b[n:]
			for ; len(packed) > 0; packed = packed[8:] {
				m.Dispatched = append(m.Dispatched, binary.LittleEndian.Uint64(packed))
			}
		default:
			return Metadata{}, errMetadata
		}
	}
	if m.Read > m.Write {
		return Metadata{}, errMetadata
	}
	return m, nil
}

// Encode returns the wire form without dispatched requests.
func (m Metadata) Encode() []byte {
	var b []byte
	for num, v := range []uint64{uint64(m.ItemsSize), uint64(m.BytesSize), m.Read, m.Write} {
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

// MayHold says whether a request with this number can still belong to a queue
// that had this metadata once. The metadata may be an old copy, so everything
// behind its write index counts as queued since.
func (m Metadata) MayHold(index uint64) bool {
	return index >= m.Read || slices.Contains(m.Dispatched, index)
}

// RequestIndex returns the number in a request's key. Only the form that
// strconv writes counts: "007" is somebody else's key.
func RequestIndex(key string) (uint64, bool) {
	n, err := strconv.ParseUint(key, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == key
}

// RequestKey returns the key of a request by its number.
func RequestKey(index uint64) string { return strconv.FormatUint(index, 10) }
