//go:build !race

package ddsampler

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The race detector makes sync.Pool forget.

// A batch that is kept as it is costs no allocation, and the ot member one text per trace.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name   string
		td     ptrace.Traces
		change func(ptrace.Traces)
		want   float64
	}{
		{"one trace", tracedBatch(1, 100), func(ptrace.Traces) {}, 0},
		{"a hundred traces", tracedBatch(100, 1), func(ptrace.Traces) {}, 0},
		{"a thousand traces", tracedBatch(1000, 1), func(ptrace.Traces) {}, 0},
	} {
		p := newSampler(t, createDefaultConfig().(*Config))
		_, err := p.processTraces(t.Context(), c.td)
		require.NoError(t, err)
		require.Equal(t, c.want, testing.AllocsPerRun(50, func() { _, _ = p.processTraces(t.Context(), c.td) }), c.name)
	}
}
