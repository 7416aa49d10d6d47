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
	n    int64
	rest [7]uint64
}

type clock struct{ now int64 }

func newStore(t testing.TB, change func(*Config)) (*Store[value], *clock) {
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

func TestAnEntryLivesForItsTTLAndIsThenRememberedForAnother(t *testing.T) {
	s, c := newStore(t, nil)
	put(s, id(1), 11)
	c.now += int64(time.Minute)
	n, r := get(s, id(1))
	require.Equal(t, Hit, r)
	require.EqualValues(t, 11, n)
	c.now++
	_, r = get(s, id(1))
	require.Equal(t, Expired, r)
	_, r = get(s, id(2))
	require.Equal(t, Missing, r)
	s.Sweep()
	require.EqualValues(t, 1, s.Stats().Entries)
	c.now += int64(time.Minute)
	s.Sweep()
	_, r = get(s, id(1))
	require.Equal(t, Missing, r)
	require.Equal(t, Stats{EvictedTTL: 1}, s.Stats())
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
	c.now += int64(time.Minute)
	s.Put(id(1), 0, false, func(*value, bool) int64 { return 0 })
	put(s, id(2), 3)
	c.now++
	_, r := get(s, id(1))
	require.Equal(t, Expired, r)
	_, r = get(s, id(2))
	require.Equal(t, Hit, r)
}

func TestAFullStoreGivesUpExactlyItsOldest(t *testing.T) {
	s, c := newStore(t, nil)
	for i := range 5000 {
		c.now++
		require.Equal(t, Hit, put(s, id(i), int64(i)))
		require.LessOrEqual(t, s.Stats().Entries, int64(1000))
	}
	for i := range 5000 {
		_, r := get(s, id(i))
		if i < 4000 {
			require.Equal(t, Full, r, "the store remembers that it was short of space")
		} else {
			require.Equal(t, Hit, r)
		}
	}
	require.EqualValues(t, 4000, s.Stats().EvictedCapacity)
}

// Clocks have steps, and many entries are written within one.
func TestAFullStoreGivesUpItsOldestThoughTheClockStands(t *testing.T) {
	s, _ := newStore(t, nil)
	for i := range 5000 {
		require.Equal(t, Hit, put(s, id(i), int64(i)))
	}
	for i := range 5000 {
		_, r := get(s, id(i))
		require.Equal(t, i >= 4000, r == Hit, i)
	}
}

func TestDropNewRefusesExactlyTheSurplus(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.DropNew = true })
	for i := range 5000 {
		c.now++
		want := Hit
		if i >= 1000 {
			want = Full
		}
		require.Equal(t, want, put(s, id(i), int64(i)))
	}
	require.Equal(t, Hit, put(s, id(3), 33), "what is known can be written to")
	require.EqualValues(t, 4000, s.Stats().DroppedNew)
	c.now += int64(time.Minute)
	require.Equal(t, Hit, put(s, id(5000), 1), "the expired make room")
	require.True(t, s.Remove(id(5000)))
	require.False(t, s.Remove(id(5000)))
}

func TestATenantOverItsSharePaysItself(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.TenantShare = 0.5 })
	for i := range 400 {
		c.now++
		put(s, Key{Tenant: 1, A: uint64(i)}, 1)
	}
	for i := range 10_000 {
		c.now++
		require.Equal(t, Hit, put(s, Key{Tenant: 2, A: uint64(i)}, 2))
	}
	for i := range 400 {
		_, r := get(s, Key{Tenant: 1, A: uint64(i)})
		require.Equal(t, Hit, r)
	}
	_, r := get(s, Key{Tenant: 2, A: 9999})
	require.Equal(t, Hit, r)
	st := s.Stats()
	require.EqualValues(t, 900, st.Entries)
	require.EqualValues(t, 9500, st.EvictedTenant)
	require.Zero(t, st.EvictedCapacity)
}

func TestBytesAreBoundedAndAddUp(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxBytes = 100_000 })
	rng := rand.New(rand.NewPCG(1, 2))
	attached := make(map[int]int64)
	for range 20_000 {
		c.now++
		i, n := rng.IntN(300), rng.Int64N(2000)
		s.Put(id(i), n, true, func(_ *value, fresh bool) int64 {
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
			want += s.slotBytes + attached[i]
		}
	}
	require.Equal(t, live, s.Stats().Entries)
	require.Equal(t, want, s.Stats().Bytes)
	for i := range 300 {
		s.Remove(id(i))
	}
	require.Zero(t, s.Stats().Bytes)
	require.Zero(t, s.Stats().Entries)
}

func TestAnEntryLargerThanTheStoreIsRefusedAlone(t *testing.T) {
	s, _ := newStore(t, func(cfg *Config) { cfg.MaxBytes = 10_000 })
	put(s, id(1), 1)
	require.Equal(t, Full, s.Put(id(2), 10_000, true, func(*value, bool) int64 { panic("no room") }))
	_, r := get(s, id(1))
	require.Equal(t, Hit, r)
}

// The store against a map and a list of what was written when.
func TestItDoesWhatAMapWould(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = 500; cfg.TenantShare = 0.9 })
	type known struct{ n, at int64 }
	model := make(map[Key]known)
	rng := rand.New(rand.NewPCG(3, 4))
	for step := range 200_000 {
		c.now += rng.Int64N(int64(400 * time.Millisecond))
		k := Key{Tenant: uint64(rng.IntN(3)), A: uint64(rng.IntN(200))}
		switch rng.IntN(4) {
		case 0:
			delete(model, k)
			s.Remove(k)
		case 1:
			s.Sweep()
		case 2:
			put(s, k, int64(step))
			model[k] = known{int64(step), c.now}
		}
		m, ok := model[k]
		n, r := get(s, k)
		live := ok && c.now-m.at <= int64(time.Minute)
		require.Equal(t, live, r == Hit, "step %d", step)
		if live {
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

func TestAnEntryCostsAtMost200Bytes(t *testing.T) {
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
	perEntry := float64(liveHeap()-before) / float64(n)
	t.Logf("%.0f bytes per entry, by its own account %d", perEntry, s.slotBytes)
	require.LessOrEqual(t, perEntry, 200.0)
	for i := range n {
		if got, r := get(s, id(i)); r != Hit || got != int64(i) {
			t.Fatalf("entry %d is lost", i)
		}
	}
	runtime.KeepAlive(s)
}

func TestAnIdleStoreGivesItsMemoryBack(t *testing.T) {
	s, c := newStore(t, func(cfg *Config) { cfg.MaxEntries = 200_000 })
	before := liveHeap()
	for i := range 200_000 {
		put(s, id(i), 1)
	}
	c.now += 2*int64(time.Minute) + int64(time.Second) // the lives began one after another
	s.Sweep()
	require.Zero(t, s.Stats().Entries)
	require.Less(t, liveHeap()-before, int64(1<<20))
	runtime.KeepAlive(s)
}

func TestSeenRemembersForATTLWithinItsCapacity(t *testing.T) {
	c := new(clock)
	s := NewSeen(32_000, time.Minute, func() int64 { return c.now })
	require.True(t, s.First(42))
	require.False(t, s.First(42))
	c.now += int64(time.Minute)
	require.False(t, s.First(42))
	c.now += 2*int64(time.Minute) + 1
	require.True(t, s.First(42))
	for i := range uint64(1_000_000) {
		if !s.First(i*0x9e3779b97f4a7c15 + 1) {
			t.Fatalf("fingerprint %d was never seen before", i)
		}
	}
	held := 0
	for i := range s.shards {
		held += len(s.shards[i].young) + len(s.shards[i].old)
	}
	require.LessOrEqual(t, held, 32_000)
	c.now += 3 * int64(time.Minute)
	s.Sweep()
	for i := range s.shards {
		require.Nil(t, s.shards[i].young)
		require.Nil(t, s.shards[i].old)
	}
}
