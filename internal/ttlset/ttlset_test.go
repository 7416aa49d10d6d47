package ttlset

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var begin = time.Unix(1_800_000_000, 0)

func at(d time.Duration) time.Time { return begin.Add(d) }

func TestASetRemembersAKeyForItsTTL(t *testing.T) {
	t.Parallel()
	s := NewSet[int](10, time.Minute)
	require.True(t, s.Add(1, at(0)))
	require.False(t, s.Add(1, at(time.Minute)))
	require.True(t, s.Has(1, at(time.Minute)))
	require.False(t, s.Has(2, at(time.Minute)))
	require.False(t, s.Has(1, at(4*time.Minute)))
	require.Zero(t, s.Len())
	require.Zero(t, s.Evicted())
	require.True(t, s.Add(1, at(4*time.Minute)))
	s.Remove(1)
	require.True(t, s.Add(1, at(4*time.Minute)))
}

// Whatever comes, in whatever order and time: the last max keys of the last ttl
// are there, and what is twice as old, or more than twice max ago, is not.
func TestASetKeepsItsLimits(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		limit, ttl := 1+rnd.IntN(20), time.Duration(1+rnd.IntN(50))
		s, now := NewSet[int](limit, ttl), time.Duration(0)
		type added struct {
			key int
			at  time.Duration
		}
		var all []added
		for range 500 {
			now += time.Duration(rnd.IntN(4))
			key := rnd.IntN(60)
			if s.Add(key, at(now)) {
				all = append(all, added{key, now})
			}
			require.LessOrEqual(t, s.Len(), 2*limit)
			for _, a := range all[max(0, len(all)-limit):] {
				if now-a.at <= ttl {
					require.True(t, s.Has(a.key, at(now)), "limit %d ttl %d", limit, ttl)
				}
			}
		}
		require.False(t, s.Has(all[len(all)-1].key, at(now+2*ttl+1)))
	}
}

func TestASetCountsWhatItForgetsForOthers(t *testing.T) {
	t.Parallel()
	s := NewSet[int](2, time.Minute)
	for key := range 6 {
		require.True(t, s.Add(key, at(0)))
	}
	require.EqualValues(t, 2, s.Evicted())
	require.False(t, s.Has(0, at(0)))
	require.True(t, s.Has(2, at(0)))
}

func TestAFullSetAsksNothingOfMemoryToSayWhatItKnows(t *testing.T) {
	s := NewSet[uint64](100, time.Minute)
	for key := range uint64(100) {
		s.Add(key, at(0))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Add(7, at(1)) }))
}

func TestAMapForgetsTheLeastRecentlyUsed(t *testing.T) {
	t.Parallel()
	m := NewMap[string, int](2, 0)
	m.Put("a", 1, at(0))
	m.Put("b", 2, at(0))
	v, ok := m.Get("a", at(1))
	require.True(t, ok)
	require.Equal(t, 1, v)
	m.Put("c", 3, at(1))
	_, ok = m.Get("b", at(1))
	require.False(t, ok)
	require.EqualValues(t, 1, m.Evicted())
	require.Zero(t, m.Expired())
	_, ok = m.Get("a", at(1000*time.Hour))
	require.True(t, ok, "a ttl of 0 is no age")
	m.Put("a", 9, at(0))
	v, _ = m.Get("a", at(0))
	require.Equal(t, 9, v)
	m.Remove("a")
	require.Equal(t, 1, m.Len())
}

func TestAMapForgetsWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	m := NewMap[string, int](10, time.Minute)
	m.Put("a", 1, at(0))
	m.Put("b", 2, at(0))
	_, ok := m.Get("a", at(59*time.Second))
	require.True(t, ok)
	_, ok = m.Get("a", at(90*time.Second))
	require.True(t, ok, "using it renews it")
	require.EqualValues(t, 1, m.Expired())
	m.Expire(at(time.Hour))
	require.Zero(t, m.Len())
	require.EqualValues(t, 2, m.Expired())
	require.Zero(t, m.Evicted())
}

func TestAClaimIsHeldByOneUntilItIsDone(t *testing.T) {
	t.Parallel()
	c := NewClaims[string](10, time.Hour, time.Minute)
	require.Equal(t, ClaimNew, c.Claim("k", 1, at(0)))
	require.Equal(t, ClaimPending, c.Claim("k", 2, at(0)))
	require.Equal(t, ClaimDone, c.Claim("k", 1, at(0)), "one body may name a key twice")
	c.Release("k", 1)
	require.Equal(t, ClaimNew, c.Claim("k", 2, at(0)), "a failure may be tried again")
	c.Commit("k", at(0))
	require.Equal(t, ClaimDone, c.Claim("k", 3, at(time.Hour)))
	c.Release("k", 3)
	require.Equal(t, ClaimDone, c.Claim("k", 3, at(time.Hour)), "what is done cannot be released")
	require.Equal(t, ClaimNew, c.Claim("k", 3, at(4*time.Hour)))
}

func TestAClaimWhoseOwnerNeverEndedIsFreeAgain(t *testing.T) {
	t.Parallel()
	c := NewClaims[string](10, time.Hour, time.Minute)
	require.Equal(t, ClaimNew, c.Claim("k", 1, at(0)))
	require.Equal(t, ClaimNew, c.Claim("k", 2, at(time.Minute)))
	c.Release("k", 1)
	require.Equal(t, ClaimPending, c.Claim("k", 3, at(time.Minute)), "the old owner cannot release the new one's claim")
	c.Sweep(at(time.Hour))
	require.Zero(t, c.Len())
}

func TestOfManyOwnersOneGetsTheKey(t *testing.T) {
	t.Parallel()
	c := NewClaims[int](1000, time.Hour, time.Hour)
	var wg sync.WaitGroup
	wins := make([]int, 8)
	for owner := range wins {
		wg.Go(func() {
			for key := range 500 {
				if c.Claim(key, uint64(owner)+1, at(0)) == ClaimNew {
					wins[owner]++
					c.Commit(key, at(0))
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range wins {
		total += n
	}
	require.Equal(t, 500, total)
	require.Equal(t, 500, c.Len())
	require.Zero(t, c.Evicted())
}
