// Package eventtime reads the times of Fluent entries: integers, floats, Fluentd's EventTime and MessagePack's own timestamp. Fluent Bit
// says with two of them that a group of records begins or ends.
package eventtime

import (
	"encoding/binary"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Marker is what Fluent Bit says with a time that is none.
type Marker uint8

// The markers.
const (
	None Marker = iota
	GroupBegin
	GroupEnd
)

const (
	eventTime        = 0  // Fluentd's extension: seconds and nanoseconds
	msgpackTimestamp = -1 // MessagePack's own
	groupBeginTime   = math.MaxUint32
	groupEndTime     = math.MaxUint32 - 1
)

// Read reads the time that comes next. Nil and 0 say that there is none, and so does what can't be read; ok tells.
func Read(r *msgpack.Reader) (t pcommon.Timestamp, m Marker, ok bool) {
	switch r.Kind() {
	case msgpack.Nil:
		return 0, 0, true
	case msgpack.Int, msgpack.Uint:
		n, err := r.Int64()
		if err != nil || n < 0 || n > math.MaxInt64/int64(time.Second) {
			return 0, 0, false
		}
		return pcommon.Timestamp(n * int64(time.Second)), 0, true
	case msgpack.Float:
		f, err := r.Float64()
		if err != nil || !(f >= 0 && f < math.MaxInt64/float64(time.Second)) {
			return 0, 0, false
		}
		seconds, fraction := math.Modf(f)
		// A double has no more than microseconds at this magnitude.
		return pcommon.Timestamp(int64(seconds)*int64(time.Second) + int64(math.Round(fraction*1e6))*1000), 0, true
	case msgpack.Ext:
		kind, data, err := r.Ext()
		if err != nil {
			return 0, 0, false
		}
		return extTime(kind, data)
	}
	return 0, 0, false
}

func extTime(kind int8, data []byte) (t pcommon.Timestamp, m Marker, ok bool) {
	var seconds, nanos uint64
	switch {
	case kind == eventTime && len(data) == 8:
		seconds, nanos = uint64(binary.BigEndian.Uint32(data)), uint64(binary.BigEndian.Uint32(data[4:]))
		switch seconds {
		case groupBeginTime:
			return 0, GroupBegin, true
		case groupEndTime:
			return 0, GroupEnd, true
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
