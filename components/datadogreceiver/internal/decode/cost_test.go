//go:build !race

package decode

// The race detector allocates too, so these hold without it.

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a span of real traffic may cost, and what the baseline was measured to cost: it must stay what it was, or the comparison means
// nothing.
func TestCostPerSpan(t *testing.T) {
	for _, in := range recorded(t) {
		d := New(Options{MaxSpans: maxSpans})
		allocs, bytes := cost(in.spans, func() int { return in.ours(d) })
		base, baseBytes := cost(in.spans, in.baseline)
		t.Logf("%-12s %5d spans, ours: %.1f allocs, %.0f B; baseline: %.1f allocs, %.0f B", in.name, in.spans, allocs, bytes, base, baseBytes)
		require.LessOrEqual(t, allocs, 0.6*base, in.name)
		require.LessOrEqual(t, bytes, 0.6*baseBytes, in.name)
	}
}
