package index

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Fingerprints tell a log that is sent again from another log that reads the
// same: the second of two equal logs in one resource of one batch has another
// fingerprint than the first, and both have the same again when they are sent
// again. Equal logs wait in one item, so this holds after waiting too.
type Fingerprints struct {
	seed  maphash.Seed
	batch map[uint64]uint64 // how often each was seen in this resource
}

// NewFingerprints returns fingerprints for CountLog of x.
func (x *Index) NewFingerprints() Fingerprints {
	return Fingerprints{seed: x.seeds[0], batch: make(map[uint64]uint64)}
}

// Reset begins another resource.
func (f *Fingerprints) Reset() { clear(f.batch) }

// Of hashes all of a log but what a linker adds: sent again, a log may leave an
// earlier hop with more than the first time. The time of observation stands in
// only when the log has no time of its own: a receiver may set it anew each time.
// Attributes count only where the time is a whole millisecond.
func (f *Fingerprints) Of(lr plog.LogRecord) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	trace, span := lr.TraceID(), lr.SpanID()
	_, _ = h.Write(trace[8:])
	_, _ = h.Write(span[:])
	at := lr.Timestamp()
	if at == 0 {
		at = lr.ObservedTimestamp()
	}
	writeUint64(&h, uint64(at))
	writeUint64(&h, uint64(lr.SeverityNumber()))
	writeString(&h, lr.EventName())
	writeValue(&h, lr.Body())
	if at%1_000_000 == 0 { // a clock that is finer tells logs apart by itself
		for k, v := range lr.Attributes().All() {
			if !gained(k) {
				writeString(&h, k)
				writeValue(&h, v)
			}
		}
	}
	sum := h.Sum64()
	n := f.batch[sum]
	f.batch[sum] = n + 1
	return sum + n*0x9e3779b97f4a7c15 // the golden ratio, to scatter repeats
}

// gained reports whether a log may have the attribute from a linker.
func gained(key string) bool {
	switch key {
	case "service.name", "span.name", "session.id", "user.id", "account.id":
		return true
	}
	return strings.HasPrefix(key, LinkPrefix) || strings.HasPrefix(key, "rum.")
}

func writeMap(h *maphash.Hash, m pcommon.Map) {
	writeUint64(h, uint64(m.Len()))
	for k, v := range m.All() {
		writeString(h, k)
		writeValue(h, v)
	}
}

func writeValue(h *maphash.Hash, v pcommon.Value) {
	_ = h.WriteByte(byte(v.Type()))
	switch v.Type() {
	case pcommon.ValueTypeStr:
		writeString(h, v.Str())
	case pcommon.ValueTypeInt:
		writeUint64(h, uint64(v.Int()))
	case pcommon.ValueTypeDouble:
		writeUint64(h, math.Float64bits(v.Double()))
	case pcommon.ValueTypeBool:
		if v.Bool() {
			_ = h.WriteByte(1)
		}
	case pcommon.ValueTypeMap:
		writeMap(h, v.Map())
	case pcommon.ValueTypeSlice:
		writeUint64(h, uint64(v.Slice().Len()))
		for _, item := range v.Slice().All() {
			writeValue(h, item)
		}
	case pcommon.ValueTypeBytes:
		writeUint64(h, uint64(v.Bytes().Len()))
		for _, b := range v.Bytes().All() {
			_ = h.WriteByte(b)
		}
	}
}

func writeString(h *maphash.Hash, s string) {
	writeUint64(h, uint64(len(s)))
	_, _ = h.WriteString(s)
}

func writeUint64(h *maphash.Hash, v uint64) {
	var buf [8]byte
	binary.LittleEndian.PutUint64(buf[:], v)
	_, _ = h.Write(buf[:])
}
