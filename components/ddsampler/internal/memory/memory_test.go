package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func id(n int) pcommon.TraceID { return pcommon.TraceID{byte(n >> 16), byte(n >> 8), byte(n), 1} }

func TestAVerdictIsRememberedForTTLAndForgottenAfterTwice(t *testing.T) {
	m, now := New(100, time.Minute), time.Unix(0, 0)
	at := func(after time.Duration) Verdict {
		m.Lock(now.Add(after))
		defer m.Unlock()
		v, _ := m.Get(id(1))
		return v
	}
	require.Equal(t, Unknown, at(0))
	m.Put(id(1), Kept)
	require.Equal(t, Kept, at(time.Minute))
	require.Equal(t, Kept, at(2*time.Minute-1))
	require.Equal(t, Unknown, at(2*time.Minute))
	m.Put(id(1), Dropped)
	require.Equal(t, Unknown, at(time.Hour), "nobody came for an hour")
}

func TestWhoIsSeenAgainStays(t *testing.T) {
	m, now := New(100, time.Minute), time.Unix(0, 0)
	for i := range 20 {
		m.Lock(now.Add(time.Duration(i) * 50 * time.Second))
		if v, fresh := m.Get(id(1)); !fresh {
			require.Equal(t, i == 0, v == Unknown)
			m.Put(id(1), Kept)
		}
		m.Unlock()
	}
}

func TestTheMemoryHasAnEdge(t *testing.T) {
	m, now := New(100, time.Minute), time.Unix(0, 0)
	for i := range 10_000 {
		m.Lock(now)
		m.Put(id(i), Kept)
		m.Unlock()
		require.LessOrEqual(t, m.Len(now), 100)
	}
	m.Lock(now)
	defer m.Unlock()
	for i := 10_000 - 50; i < 10_000; i++ {
		v, _ := m.Get(id(i))
		require.Equal(t, Kept, v, i)
	}
}

// A log may know half of its trace's id.
func TestHalfAnIdFindsItsTrace(t *testing.T) {
	m := New(100, time.Minute)
	m.Lock(time.Unix(0, 0))
	defer m.Unlock()
	whole := pcommon.TraceID{0x67, 0x4a, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	half := pcommon.TraceID{8: 1, 2, 3, 4, 5, 6, 7, 8}
	m.Put(whole, Dropped)
	v, _ := m.Get(half)
	require.Equal(t, Dropped, v)
	v, _ = m.Get(pcommon.TraceID{8: 1, 2, 3, 4, 5, 6, 7, 9})
	require.Equal(t, Unknown, v)
}
