package admission

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func newPools(wait time.Duration) *Pools {
	return New(Limits{MaxBytes: 64 * mib, MaxWait: wait})
}

func TestReserveTakesAndReleaseGivesBack(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Decoding
	h, err := p.Reserve(t.Context(), 10)
	require.NoError(t, err)
	require.NoError(t, h.Grow(t.Context(), 5))
	h.Shrink(3)
	require.EqualValues(t, 12, h.Bytes())
	require.EqualValues(t, 12, p.Usage().Held)
	h.Release()
	h.Release()
	require.Zero(t, p.Usage().Held)
	require.EqualValues(t, 15, p.Usage().Peak)
	require.ErrorIs(t, h.Grow(t.Context(), 1), errReleased)
}

func TestWhatCanNeverFitIsRefusedAtOnceAndForGood(t *testing.T) {
	t.Parallel()
	p := New(Limits{MaxBytes: 64 * mib, MaxRequestCost: 4 * mib, MaxWait: time.Hour}).Decoding
	_, err := p.Reserve(t.Context(), 4*mib+1)
	r := AsRefusal(err)
	require.NotNil(t, r)
	require.Equal(t, ReasonPrice, r.Reason)
	require.Zero(t, r.Retry)
	h, err := p.Reserve(t.Context(), 4*mib)
	require.NoError(t, err)
	require.Equal(t, ReasonPrice, AsRefusal(h.Grow(t.Context(), 1)).Reason)
}

func TestWhatDoesNotFitNowWaitsAndIsRefusedAfterMaxWait(t *testing.T) {
	t.Parallel()
	p := newPools(10 * time.Millisecond).Decoding
	all, err := p.Reserve(t.Context(), p.Largest())
	require.NoError(t, err)
	_, err = p.Reserve(t.Context(), 1)
	require.Equal(t, ReasonBusy, AsRefusal(err).Reason)
	require.Equal(t, RetryAfter, AsRefusal(err).Retry)
	require.Zero(t, p.Usage().Waiting)
	all.Release()
	_, err = p.Reserve(t.Context(), 1)
	require.NoError(t, err)
}

func TestALargeRequestIsNotOvertaken(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Decoding
	first, err := p.Reserve(t.Context(), p.Largest()-10)
	require.NoError(t, err)
	var order []string
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := func(name string, n int64) {
		waiting := p.Usage().Waiting
		wg.Go(func() {
			h, err := p.Reserve(t.Context(), n)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			h.Release()
		})
		require.Eventually(t, func() bool { return p.Usage().Waiting == waiting+1 }, time.Minute, time.Millisecond)
	}
	start("large", p.Largest())
	start("small, which would fit", 1)
	first.Release()
	wg.Wait()
	require.Equal(t, []string{"large", "small, which would fit"}, order)
}

func TestAWaitThatEndsHandsTheHeadOfTheLineOn(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Decoding
	first, err := p.Reserve(t.Context(), p.Largest()-10)
	require.NoError(t, err)
	defer first.Release()
	ctx, cancel := context.WithCancel(t.Context())
	large := make(chan error, 1)
	go func() { _, err := p.Reserve(ctx, p.Largest()); large <- err }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 1 }, time.Minute, time.Millisecond)
	small := make(chan error, 1)
	go func() { _, err := p.Reserve(t.Context(), 10); small <- err }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 2 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-large, context.Canceled)
	require.NoError(t, <-small)
}

func TestWhoHoldsSomethingGoesFirst(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Decoding
	half := p.Largest() / 2
	one, err := p.Reserve(t.Context(), half)
	require.NoError(t, err)
	two, err := p.Reserve(t.Context(), half)
	require.NoError(t, err)
	fresh := make(chan error, 1)
	go func() { _, err := p.Reserve(t.Context(), half); fresh <- err }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 1 }, time.Minute, time.Millisecond)
	grown := make(chan error, 1)
	go func() { grown <- one.Grow(t.Context(), half) }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 2 }, time.Minute, time.Millisecond)
	two.Release()
	require.NoError(t, <-grown)
	one.Release()
	require.NoError(t, <-fresh)
}

// Without this rule all of them would wait until max_wait and be refused together.
func TestWhenAllHoldersWaitForMoreTheLastOneGivesWay(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Decoding
	half := p.Largest() / 2
	one, err := p.Reserve(t.Context(), half)
	require.NoError(t, err)
	two, err := p.Reserve(t.Context(), p.Largest()-half)
	require.NoError(t, err)
	grown := make(chan error, 1)
	go func() { grown <- one.Grow(t.Context(), half) }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, ReasonBusy, AsRefusal(two.Grow(t.Context(), 1)).Reason)
	two.Release()
	require.NoError(t, <-grown)
}

func TestTheSlowestHoldIsEvictedWhenOthersWait(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Reception
	ended := make(chan string, 2)
	hold := func(name string, n int64, kept time.Duration) *Hold {
		h, err := p.Reserve(t.Context(), n)
		require.NoError(t, err)
		h.waited.Store(int64(kept))
		h.EvictWith(func() { ended <- name; h.Release() })
		return h
	}
	hold("our own work took long", p.size/2, 0)
	slow := hold("slow and large", p.size/4, 3*time.Second)
	hold("slow and small", p.size-p.size/2-p.size/4, 2*time.Second)
	h, err := p.Reserve(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "slow and large", <-ended)
	require.Empty(t, ended)
	require.EqualValues(t, 1, p.Usage().Evicted)
	slow.Release()
	h.Release()
}

func TestTimeThatWeTakeDoesNotCountAgainstThePeer(t *testing.T) {
	t.Parallel()
	var h Hold
	h.Open(newPools(time.Second).Reception)
	h.PeerWait()
	time.Sleep(time.Millisecond)
	d := h.PeerDone()
	require.GreaterOrEqual(t, d, time.Millisecond)
	require.Equal(t, d, h.kept(time.Now()))
	require.Zero(t, h.PeerDone())
	h.PeerForgive(0)
	require.Zero(t, h.kept(time.Now()))
}

func TestReleaseEndsAWaitInGrow(t *testing.T) {
	t.Parallel()
	p := newPools(time.Minute).Reception
	other, err := p.Reserve(t.Context(), p.size-1)
	require.NoError(t, err)
	h, err := p.Reserve(t.Context(), 1)
	require.NoError(t, err)
	grown := make(chan error, 1)
	go func() { grown <- h.Grow(t.Context(), 1) }()
	require.Eventually(t, func() bool { return p.Usage().Waiting == 1 }, time.Minute, time.Millisecond)
	h.Release()
	require.ErrorIs(t, <-grown, errReleased)
	other.Release()
	require.Zero(t, p.Usage().Held)
}

// Closes, cancels and evictions race with grants; once a grant to a hold that was closed meanwhile was lost for good.
func TestNothingIsLostAndTheLimitHoldsUnderRandomUse(t *testing.T) {
	t.Parallel()
	pools := New(Limits{MaxBytes: 32 * mib, MaxWait: 5 * time.Millisecond})
	for _, p := range []*Pool{pools.Reception, pools.Decoding} {
		var requests atomic.Int64
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for requests.Add(1) < 10_000 {
					ctx, cancel := context.WithCancel(t.Context())
					var h Hold
					h.Open(p)
					h.EvictWith(func() { h.Release() })
					if rand.IntN(4) == 0 {
						h.waited.Store(int64(2 * time.Second))
					}
					var others sync.WaitGroup
					if rand.IntN(3) == 0 {
						others.Go(cancel)
					}
					if rand.IntN(3) == 0 {
						others.Go(h.Release)
					}
					if rand.IntN(3) == 0 {
						others.Go(func() { h.Shrink(rand.Int64N(mib)) })
					}
					for range rand.IntN(6) {
						if h.Grow(ctx, rand.Int64N(p.size/8)) != nil {
							break
						}
						if u := p.Usage(); u.Held < 0 || u.Held > u.Limit {
							t.Errorf("held %d of %d", u.Held, u.Limit)
						}
					}
					h.Release()
					others.Wait()
					cancel()
				}
			})
		}
		wg.Wait()
		u := p.Usage()
		require.Zero(t, u.Held, p.name)
		require.Zero(t, u.Waiting, p.name)
		require.Zero(t, p.stalled, p.name)
		require.Nil(t, p.evictable, p.name)
	}
}

func TestAHoldThatFitsAllocatesNothing(t *testing.T) {
	p := newPools(time.Second).Decoding
	var h Hold
	require.Zero(t, testing.AllocsPerRun(100, func() {
		h = Hold{}
		h.Open(p)
		_ = h.Grow(t.Context(), 100)
		h.EvictWith(func() {})
		h.PeerWait()
		h.PeerDone()
		h.Release()
	}))
}
