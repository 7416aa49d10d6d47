package index

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFingerprintsAreRememberedForATTL(t *testing.T) {
	t.Parallel()
	now := int64(0)
	s := newSeen(32_000, time.Minute, func() int64 { return now })
	require.True(t, s.first(42))
	require.False(t, s.first(42))
	now += int64(time.Minute)
	require.False(t, s.first(42))
	now += 2*int64(time.Minute) + 1
	require.True(t, s.first(42))
	for i := range uint64(1_000_000) {
		if !s.first(i*0x9e3779b97f4a7c15 + 1) {
			t.Fatalf("fingerprint %d was never seen before", i)
		}
	}
	now += 3 * int64(time.Minute)
	s.sweep()
	require.True(t, s.first(42))
}
