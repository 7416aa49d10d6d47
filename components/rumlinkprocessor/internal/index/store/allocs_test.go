//go:build !race

package store

// The race detector allocates too, so these hold without it.

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadingAndRewritingAllocateNothing(t *testing.T) {
	s, _ := newStore(t, nil)
	for i := range 1000 {
		put(s, id(i), 1)
	}
	i := 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		i++
		put(s, id(i%1000), 2)
		get(s, id(i%2000))
	}))
}
