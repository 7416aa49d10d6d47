package enrich

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestAKeyThatIsAWholeNumberLeavesAsAnInteger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, out any }{
		{42.0, int64(42)},
		{int64(42), int64(42)},
		{"42", int64(42)},
		{"0", int64(0)},
		{-7.0, int64(-7)},
		{"9007199254740992", int64(1 << 53)},
		{"9007199254740993", "9007199254740993"},
		{"007", "007"},
		{"-7", "-7"},
		{"+7", "+7"},
		{"4 2", "4 2"},
		{"", ""},
		{"abc", "abc"},
		{1.5, 1.5},
		{1e300, 1e300},
		{math.Inf(1), math.Inf(1)},
		{true, true},
	} {
		attrs := pcommon.NewMap()
		require.NoError(t, attrs.PutEmpty("staged_id").FromRaw(c.in))
		Integer(attrs, []string{"absent", "staged_id"})
		require.Equal(t, map[string]any{"staged_id": c.out}, attrs.AsRaw())
	}
}
