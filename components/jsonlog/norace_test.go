//go:build !race

package jsonlog

// The race detector allocates too, so these hold without it.

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlainRecordsPassUnallocated(t *testing.T) {
	p, ld := newTestSpreader(t), plainLogs(100)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := p.processLogs(t.Context(), ld); err != nil {
			t.Fatal(err)
		}
	}))
}
