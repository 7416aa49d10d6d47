package decode

import (
	"encoding/binary"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// marker is what Fluent Bit says with a time that is none.
type marker uint8

const (
	noMarker marker = iota
	groupBegin
	groupEnd
)

const (
	eventTime        = 0  // Fluentd's extension: seconds and nanoseconds
	msgpackTimestamp = -1 // MessagePack's own
	groupBeginTime   = math.MaxUint32
	groupEndTime     = math.MaxUint32 - 1
)

// readTime reads a time. Nil and 0 say that there is none, and so does what can't be read; ok tells.
func (d *values) readTime() (t pcommon.Timestamp, m marker, ok bool) {
	switch d.Kind() {
	case msgpack.Nil:
		return 0, 0, true
	case msgpack.Int, msgpack.Uint:
		n, err := d.Int64()
		if err != nil || n < 0 || n > math.MaxInt64/int64(time.Second) {
			return 0, 0, false
		}
		return pcommon.Timestamp(n * int64(time.Second)), 0, true
	case msgpack.Float:
		f, err := d.Float64()
		if err != nil || !(f >= 0 && f < math.MaxInt64/float64(time.Second)) {
			return 0, 0, false
		}
		seconds, fraction := math.Modf(f)
		// A double has no more than microseconds at this magnitude.
		return pcommon.Timestamp(int64(seconds)*int64(time.Second) + int64(math.Round(fraction*1e6))*1000), 0, true
	case msgpack.Ext:
		kind, data, err := d.Ext()
		if err != nil {
			return 0, 0, false
		}
		return extTime(kind, data)
	}
	return 0, 0, false
}

func extTime(kind int8, data []byte) (t pcommon.Timestamp, m marker, ok bool) {
	var seconds, nanos uint64
	switch {
	case kind == eventTime && len(data) == 8:
		seconds, nanos = uint64(binary.BigEndian.Uint32(data)), uint64(binary.BigEndian.Uint32(data[4:]))
		switch seconds {
		case groupBeginTime:
			return 0, groupBegin, true
		case groupEndTime:
			return 0, groupEnd, true
		}
	case kind == msgpackTimestamp && len(data) == 4:
		seconds = uint64(binary.BigEndian.Uint32(data))
	case kind == msgpackTimestamp && len(data) == 8:
		both := binary.BigEndian.Uint64(data)
		seconds, nanos = both&(1<<34-1), both>>34
	case kind == msgpackTimestamp && len(data) == 12:
		nanos, seconds = uint64(binary.BigEndian.Uint32(data)), binary.BigEndian.Uint64(data[4:])
	default:
		return 0, 0, false
	}
	if seconds > math.MaxInt64/uint64(time.Second)-1 || nanos >= uint64(time.Second) {
		return 0, 0, false
	}
	return pcommon.Timestamp(seconds*uint64(time.Second) + nanos), 0, true
}
