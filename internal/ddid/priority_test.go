package ddid

import (
	"math"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestPriority(t *testing.T) {
	for _, c := range []struct {
		in   any
		want int
		ok   bool
	}{
		{int64(2), 2, true}, {-1.0, -1, true}, {"1", 1, true}, {"1.000000", 1, true}, {"-1.0", -1, true}, {0.0, 0, true},
		{0.5, 0, false}, {math.NaN(), 0, false}, {math.Inf(-1), 0, false}, {1e300, 0, false}, {int64(math.MaxInt64), 0, false},
		{"", 0, false}, {"1.5", 0, false}, {"x", 0, false}, {true, 0, false}, {nil, 0, false},
	} {
		v := pcommon.NewValueEmpty()
		if err := v.FromRaw(c.in); err != nil {
			t.Fatal(err)
		}
		if got, ok := Priority(v); got != c.want || ok != c.ok {
			t.Errorf("%v is %d, %v, want %d, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}
