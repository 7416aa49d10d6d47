package jsonlog

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// isoLayouts are RFC 3339 and what ISO 8601 allows beside it: a blank for the
// T and an offset without a colon (zap). A time without an offset is not read:
// it would be a guess, and hours wrong for most.
var isoLayouts = [...]string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z0700",
}

// longestTime bounds what is tried.
const longestTime = 40

// timestamp reads an ISO 8601 string, or the epoch number that zap (seconds)
// and pino (milliseconds) write. The magnitude tells the unit of a number:
// years 2001 to 2286 do not overlap in seconds, milli-, micro- and nanoseconds.
func timestamp(v pcommon.Value) (pcommon.Timestamp, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return timeText(v.Str())
	case pcommon.ValueTypeInt:
		return fromEpoch(v.Int(), "")
	case pcommon.ValueTypeDouble:
		whole, fraction, _ := strings.Cut(strconv.FormatFloat(v.Double(), 'f', -1, 64), ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			return 0, false
		}
		return fromEpoch(n, fraction)
	}
	return 0, false
}

func timeText(s string) (pcommon.Timestamp, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > longestTime {
		return 0, false
	}
	s = strings.Replace(s, ",", ".", 1)
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return fromTime(t)
		}
	}
	return 0, false
}

func fromTime(t time.Time) (pcommon.Timestamp, bool) {
	if s := t.Unix(); s < 0 || s >= math.MaxInt64/int64(time.Second) {
		return 0, false
	}
	return pcommon.NewTimestampFromTime(t), true
}

// epochs are the ranges of numbers read as a time, with a unit in nanoseconds.
var epochs = [...]struct{ from, to, unit int64 }{
	{1e9, 1e10, int64(time.Second)},
	{1e12, 1e13, int64(time.Millisecond)},
	{1e15, 1e16, int64(time.Microsecond)},
	{1e18, math.MaxInt64, 1},
}

// fromEpoch turns n units and a decimal fraction of one unit into a time.
func fromEpoch(n int64, fraction string) (pcommon.Timestamp, bool) {
	for _, e := range epochs {
		if n < e.from || n >= e.to {
			continue
		}
		// Digits, not floating point: seconds in a double lose nanoseconds.
		part, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil {
			return 0, false
		}
		return pcommon.Timestamp(n*e.unit + part*e.unit/int64(time.Second)), true
	}
	return 0, false
}
