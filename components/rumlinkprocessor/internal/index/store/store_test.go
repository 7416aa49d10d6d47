package store

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// value has the size of what the processor keeps: 64 bytes.
type value struct {
	n int64
	_ [7]uint64
}

type clock struct{ now int64 }

func newStore(t testing.TB, change func(*Config)) (*Store[value], *clock) {
	t.Helper()
	c := new(clock)
	cfg := Config{MaxEntries: 1000, MaxBytes: 1 << 30, TTL: time.Minute, Now: func() int64 { return c.now }}
	if change != nil {
		change(&cfg)
	}
	return New[value](cfg), c
}

func put(s *Store[value], k Key, n int64) Result {
	return s.Put(k, 0, true, func(v *value, _ bool) int64 { v.n = n; return 0 })
}

func get(s *Store[value], k Key) (n int64, r Result) {
	r = s.View(k, func(v *value) { n = v.n })
	return n, r
}

func id(n int) Key { return Key{A: uint64(n), B: 7} }

// Half a TTL is certain, a TTL the end, whenever the entry came.
func TestAnEntryLivesForHalfItsTTLAtLeastAndForItsTTLAtMost(t *testing.T) {
	for start := range 60 {
		s, c := newStore(t, nil)
		put(s, id(0), 0) // the first generation begins
		c.now = int64(start) * int64(time.Second)
		put(s, id(1), 11)
		c.now += int64(30 * time.Second)
		n, r := get(s, id(1))
		require.Equal(t, Hit, r, start)
		require.EqualValues(t, 11, n)
		c.now += int64(30*time.Second) + 1
		_, r = get(s, id(1))
		require.Equal(t, Expired, r, start)
		_, r = get(s, id(2))
		require.Equal(t, Missing, r)
	}
}

func TestTheExpiredAreRememberedAndThenForgotten(t *testing.T) {
	s, c := newStore(t, nil)
	put(s, id(1), 11)
	c.now += int64(time.Minute) + 1
	s.Sweep()
	require.Equal(t, Stats{EvictedTTL: 1}, s.Stats())
	_, r := get(s, id(1))
	require.Equal(t, Expired, r)
	c.now += 2*int64(time.Minute) + 1
	s.Sweep()
	_, r = get(s, id(1))
	require.Equal(t, Missing, r)
}

func TestAWriteAfterExpiryBeginsAfresh(t *testing.T) {
	s, c := newStore(t, nil)
	put(s, id(1), 11)
	c.now += int64(time.Minute) + 1
	s.Put(id(1), 0, true, func(v *value, fresh bool) int64 {
		require.True(t, fresh)
		require.Zero(t, v.n)
		return 0
	})
}

func TestOnlyARefreshingWriteProlongsALife(t *testing.T) {
	s, c := newStore(t, nil)
	put(s, id(1), 1)
	put(s, id(2), 2)
	c.now += int64(31 * time.Second)
	s.Put(id(1), 0, false, func(v *value, _ bool) int64 { v.n = 10; return 0 })
	put(s, id(2), 3)
	n, _ := get(s, id(1))
	require.EqualValues(t, 10, n)
	c.now += int64(31 * time.Second)
	_, r := get(s, id(1))
	require.Equal(t, Expired, r)
	n, r = get(s, id(2))
	require.Equal(t, Hit, r)
	require.EqualValues(t, 3, n)
}

// What a full store gives up is older than all that it keeps of a shard, and at
// least nearly half of what it may hold is always there.
func TestAFullStoreGivesUpItsOldest(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = 10_000 })
	for i := range 50_000 {
		c.now++
		require.Equal(t, Hit, put(s, id(i), int64(i)))
		require.LessOrEqual(t, s.Stats().Entries, int64(10_000))
	}
	for i := range 50_000 {
		_, r := get(s, id(i))
		switch {
		case i < 38_000:
			require.Equal(t, Full, r, "the store remembers that it was short of space")
		case i >= 46_000:
			require.Equal(t, Hit, r, i)
		}
	}
	st := s.Stats()
	require.EqualValues(t, 50_000, st.EvictedCapacity+st.Entries)
}

func TestDropNewRefusesTheSurplus(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.DropNew = true })
	taken := 0
	for i := range 5000 {
		if put(s, id(i), int64(i)) == Hit {
			taken++
		}
	}
	require.Equal(t, 1000, taken)
	require.EqualValues(t, 4000, s.Stats().DroppedNew)
	require.Equal(t, Hit, put(s, id(3), 33), "what is known can be written to")
	n, r := get(s, id(3))
	require.Equal(t, Hit, r)
	require.EqualValues(t, 33, n)
	c.now += int64(time.Minute) + 1
	require.Equal(t, Hit, put(s, id(5000), 1), "the expired make space")
	require.True(t, s.Remove(id(5000)))
	require.False(t, s.Remove(id(5000)))
}

func TestATenantOverItsSharePaysItself(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.TenantShare = 0.5 })
	for i := range 200 {
		put(s, Key{Tenant: 1, A: uint64(i)}, 1)
	}
	for i := range 10_000 {
		c.now++
		require.Equal(t, Hit, put(s, Key{Tenant: 2, A: uint64(i)}, 2))
	}
	for i := range 200 {
		_, r := get(s, Key{Tenant: 1, A: uint64(i)})
		require.Equal(t, Hit, r)
	}
	for i := 9900; i < 10_000; i++ {
		_, r := get(s, Key{Tenant: 2, A: uint64(i)})
		require.Equal(t, Hit, r)
	}
	st := s.Stats()
	require.Zero(t, st.EvictedCapacity)
	require.EqualValues(t, 10_200, st.Entries+st.EvictedTenant)
	require.LessOrEqual(t, st.Entries, int64(700))
}

func TestBytesAreBoundedAndAddUp(t *testing.T) {
	for _, dropNew := range []bool{false, true} {
		s, c := newStore(t, func(cfg *Config) { cfg.MaxBytes, cfg.DropNew = 100_000, dropNew })
		rng := rand.New(rand.NewPCG(1, 2))
		attached := make(map[int]int64)
		for range 20_000 {
			c.now += int64(10 * time.Millisecond)
			i, n := rng.IntN(300), rng.Int64N(2000)
			s.Put(id(i), n, rng.IntN(2) == 0, func(_ *value, fresh bool) int64 {
				if fresh {
					attached[i] = 0
				}
				grown := n/2 - attached[i]
				attached[i] = n / 2
				return grown
			})
			require.LessOrEqual(t, s.Stats().Bytes, int64(100_000))
		}
		var live, want int64
		for i := range 300 {
			if _, r := get(s, id(i)); r == Hit {
				live++
				want += s.limits.slot + attached[i]
			}
		}
		require.Positive(t, live)
		require.Equal(t, live, s.Stats().Entries)
		require.Equal(t, want, s.Stats().Bytes)
		for i := range 300 {
			s.Remove(id(i))
		}
		require.Zero(t, s.Stats().Bytes)
		require.Zero(t, s.Stats().Entries)
	}
}

func TestAnEntryLargerThanTheStoreIsRefusedAlone(t *testing.T) {
	s, _ := newStore(t, func(cfg *Config) { cfg.MaxBytes = 10_000 })
	put(s, id(1), 1)
	require.Equal(t, Full, s.Put(id(2), 10_000, true, func(*value, bool) int64 { panic("no space") }))
	_, r := get(s, id(1))
	require.Equal(t, Hit, r)
}

// The store against a map of what was written when.
func TestItDoesWhatAMapWould(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = 5000; cfg.TenantShare = 0.9 })
	type known struct{ n, at int64 }
	model := make(map[Key]known)
	rng := rand.New(rand.NewPCG(3, 4))
	for step := range 200_000 {
		c.now += rng.Int64N(int64(400 * time.Millisecond))
		k := Key{Tenant: uint64(rng.IntN(3)), A: uint64(rng.IntN(200))}
		switch rng.IntN(5) {
		case 0:
			delete(model, k)
			s.Remove(k)
		case 1:
			s.Sweep()
		case 2:
			put(s, k, int64(step))
			model[k] = known{int64(step), c.now}
		case 3:
			if m, ok := model[k]; ok {
				s.Put(k, 0, false, func(v *value, fresh bool) int64 {
					if !fresh {
						v.n, m.n = int64(step), int64(step)
						model[k] = m
						return 0
					}
					v.n = int64(step)
					model[k] = known{int64(step), c.now}
					return 0
				})
			}
		}
		m, ok := model[k]
		n, r := get(s, k)
		age := time.Duration(c.now - m.at)
		switch {
		case !ok:
			require.NotEqual(t, Hit, r, "step %d", step)
		case age <= 30*time.Second:
			require.Equal(t, Hit, r, "step %d", step)
		case age > time.Minute:
			require.NotEqual(t, Hit, r, "step %d", step)
		}
		if ok && r == Hit {
			require.Equal(t, m.n, n)
		}
	}
}

// What was just written is there, whatever else goes on, and the bounds hold.
// A writer that was put to sleep while the others filled the whole store may
// find its entry gone, and rightly.
func TestManyWritersLoseNothingFresh(t *testing.T) {
	start := time.Now()
	s := New[value](Config{
		MaxEntries: 20_000, MaxBytes: 1 << 24, TTL: time.Minute, TenantShare: 0.6,
		Now: func() int64 { return int64(time.Since(start)) },
	})
	var wg sync.WaitGroup
	var puts, checked atomic.Int64
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(uint64(w), 5))
			for i := range 20_000 {
				k := Key{Tenant: uint64(w % 2), A: uint64(i), B: uint64(w)}
				extra := rng.Int64N(100)
				before := puts.Add(1)
				r := s.Put(k, extra, true, func(v *value, _ bool) int64 { v.n = int64(i); return extra })
				n, found := get(s, k)
				if fresh := puts.Load()-before < 5000; r != Hit || fresh && (found != Hit || n != int64(i)) {
					t.Errorf("writer %d lost entry %d: %v %v", w, i, r, found)
					return
				} else if fresh {
					checked.Add(1)
				}
				if i%1000 == 0 {
					s.Sweep()
				}
				if i%7 == 0 {
					s.Remove(k)
				}
			}
		}()
	}
	wg.Wait()
	require.Greater(t, checked.Load(), int64(100_000))
	st := s.Stats()
	require.LessOrEqual(t, st.Entries, int64(20_000))
	require.LessOrEqual(t, st.Bytes, int64(1<<24))
}

// liveHeap is what is in use after everything that can go has gone.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAnEntryCostsNoMoreThanItsAccount(t *testing.T) {
	n := 1_000_000
	if raceEnabled {
		n = 50_000 // the race detector is slow and the sizes are the same
	}
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = n; cfg.TTL = time.Hour })
	before := liveHeap()
	for i := range n {
		c.now++
		if put(s, id(i), int64(i)) != Hit {
			t.Fatal("a fresh entry was refused")
		}
	}
	perEntry := float64(liveHeap()-before) / float64(s.Stats().Entries)
	t.Logf("%.0f bytes per entry, by its own account %d", perEntry, s.limits.slot)
	require.LessOrEqual(t, perEntry, 1.02*float64(s.limits.slot))
	runtime.KeepAlive(s)
}

func TestAnIdleStoreGivesItsMemoryBack(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = 200_000 })
	before := liveHeap()
	for i := range 200_000 {
		put(s, id(i), 1)
	}
	c.now += 2*int64(time.Minute) + int64(time.Second)
	s.Sweep()
	require.Zero(t, s.Stats().Entries)
	require.Less(t, liveHeap()-before, int64(1<<20))
	runtime.KeepAlive(s)
}
