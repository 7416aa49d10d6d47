//go:build !race

package decode

// The race detector allocates too, so these hold without it.

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a span may cost, and what the baseline was measured to cost: it must stay what it was, or the comparison means nothing.
func TestCostPerSpan(t *testing.T) {
	p := pipelines(t)
	for _, version := range []string{"v0.4", "v0.5", "v1.0"} {
		d := New(Options{MaxSpans: benchSpans})
		allocs, bytes := cost(func() {
			if _, _, err := d.Decode(p[version].format, p[version].body, Headers{}); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s ours: %.1f allocs, %.0f B", version, allocs, bytes)
		require.LessOrEqual(t, allocs, 34.0, version)
		require.LessOrEqual(t, bytes, 2400.0, version)
	}
	allocs, bytes := cost(func() { p["v0.4"].baseline(p["v0.4"].body) })
	t.Logf("v0.4 baseline: %.1f allocs, %.0f B", allocs, bytes)
	require.InEpsilon(t, 103, allocs, 0.05)
	require.InEpsilon(t, 7100, bytes, 0.05)
}
