package ddid

import (
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// Attributes in which receivers put the sampling priority, the most exact first.
const (
	PriorityKey      = "_sampling_priority_v1"
	OtherPriorityKey = "sampling.priority"
)

// maxPriority is the largest that ddcontext.ParsePriority reads back.
const maxPriority = 999_999_999

// Priority reads a sampling priority: a whole number, which some receivers write as a floating-point number or as its text, "1.000000" for
// instance. Anything else is no priority.
func Priority(v pcommon.Value) (int, bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return wholePriority(float64(v.Int()))
	case pcommon.ValueTypeDouble:
		return wholePriority(v.Double())
	case pcommon.ValueTypeStr:
		whole, fraction, _ := strings.Cut(v.Str(), ".")
		if strings.Trim(fraction, "0") == "" {
			return ddcontext.ParsePriority(whole)
		}
	}
	return 0, false
}

func wholePriority(v float64) (int, bool) {
	if math.Trunc(v) != v || math.Abs(v) > maxPriority {
		return 0, false
	}
	return int(v), true
}
