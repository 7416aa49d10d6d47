package enrich

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxExactDouble is the largest whole number up to which every whole number has
// a double of its own. Datadog's tracers send numbers as doubles.
const maxExactDouble = 1 << 53

// Integer writes the values of a business key as integers where they are whole
// numbers in another type, double or decimal text: the same key then has one
// type on every record of every sender.
func Integer(attrs pcommon.Map, names []string) {
	for _, name := range names {
		v, ok := attrs.Get(name)
		if !ok {
			continue
		}
		switch v.Type() {
		case pcommon.ValueTypeDouble:
			d := v.Double()
			if d >= -maxExactDouble && d <= maxExactDouble && d == float64(int64(d)) {
				v.SetInt(int64(d))
			}
		case pcommon.ValueTypeStr:
			if n, ok := decimal(v.Str()); ok {
				v.SetInt(n)
			}
		}
	}
}

// decimal returns the number that s writes in the one way that a number is
// written: no sign, no leading zero, no more digits than a double holds.
func decimal(s string) (n int64, ok bool) {
	if s == "" || len(s) > 16 || s[0] < '0' || s[0] > '9' || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n <= maxExactDouble
}
