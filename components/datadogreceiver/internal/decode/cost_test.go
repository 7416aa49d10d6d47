//go:build !race

package decode

// The race detector allocates too, so these hold without it.

import (
	"fmt"
	"strings"
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
		require.LessOrEqual(t, allocs, 12.0, version)
		require.LessOrEqual(t, bytes, 1600.0, version)
	}
	allocs, bytes := cost(func() { p["v0.4"].baseline(p["v0.4"].body) })
	t.Logf("v0.4 baseline: %.1f allocs, %.0f B", allocs, bytes)
	require.InEpsilon(t, 103, allocs, 0.05)
	require.InEpsilon(t, 7100, bytes, 0.05)
}

// Many kinds of span find their values again, whatever their hashes.
func TestManyKindsOfSpanShare(t *testing.T) {
	const kinds = 40
	var body strings.Builder
	for id := range benchSpans {
		fmt.Fprintf(&body, `,{"trace_id":1,"span_id":%d,"service":"s","name":"n%d","resource":"r%d","type":"web","meta":{"component":"c%d","team":"t"}}`, id+1, id%kinds, id%kinds, id%kinds)
	}
	text := []byte("[[" + body.String()[1:] + "]]")
	d := New(Options{MaxSpans: benchSpans})
	allocs, _ := cost(func() {
		if _, _, err := d.Decode(V04, text, Headers{}); err != nil {
			t.Fatal(err)
		}
	})
	// A span and its list, and what is made once for a kind.
	require.Less(t, allocs, 3.0)
}
