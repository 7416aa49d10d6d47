//go:build !race

package decode

// The race detector allocates too, so these hold without it.

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a span may cost, and what the baseline was measured to cost: it must stay what it was, or the comparison means nothing.
func TestCostPerSpan(t *testing.T) {
	p, varied := pipelines(t), variedBodies(t)
	for _, version := range []string{"v0.4", "v0.5", "v1.0"} {
		for name, c := range map[string]struct {
			body          []byte
			allocs, bytes float64
		}{
			"varied":   {varied[version], 27, 2300},
			"repeated": {p[version].body, 36, 2000},
		} {
			d := New(Options{MaxSpans: benchSpans})
			allocs, bytes := cost(func() {
				if _, _, err := d.Decode(p[version].format, c.body, Headers{}); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("%s/%s ours: %.1f allocs, %.0f B", name, version, allocs, bytes)
			require.LessOrEqual(t, allocs, c.allocs, version)
			require.LessOrEqual(t, bytes, c.bytes, version)
		}
	}
	allocs, bytes := cost(func() { p["v0.4"].baseline(p["v0.4"].body) })
	t.Logf("repeated/v0.4 baseline: %.1f allocs, %.0f B", allocs, bytes)
	require.InEpsilon(t, 103, allocs, 0.05)
	require.InEpsilon(t, 7100, bytes, 0.05)
}
