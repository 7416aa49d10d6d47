package admission

import (
	"container/list"
	"context"
	"sync/atomic"
	"time"
)

var (
	errBusy     = &Refusal{Reason: ReasonBusy, Message: "as much memory is in use for requests as may be: send again later", Retry: RetryAfter}
	errReleased = &Refusal{Reason: ReasonBusy, Message: "was given up while it waited for memory: send again later", Retry: RetryAfter}
)

// evictAfter is how long a Hold's sender may keep it waiting before others that wait may take what it holds.
const evictAfter = time.Second

// Hold is a number of bytes taken from a Pool. Grow is for one goroutine at a time; everything else is safe for any.
type Hold struct {
	pool *Pool

	// Guarded by pool.mu.
	n        int64
	released bool
	waiting  *list.Element
	line     *list.List
	stop     func()
	next     *Hold
	prev     *Hold

	// Nanoseconds spent waiting for the peer, and since when it is waited for now (0: it is not).
	waited, since atomic.Int64
}

// Open makes h, which is empty, a Hold of pool. It is for a Hold inside another struct; others use Pool.Reserve.
func (h *Hold) Open(pool *Pool) { h.pool = pool }

// Grow waits until n more bytes are free and takes them: see Pool.Reserve.
func (h *Hold) Grow(ctx context.Context, n int64) error {
	if n <= 0 {
		return nil
	}
	return h.pool.grow(ctx, h, n, true)
}

// TryGrow is Grow without waiting.
func (h *Hold) TryGrow(n int64) error {
	if n <= 0 {
		return nil
	}
	return h.pool.grow(context.Background(), h, n, false)
}

// Shrink gives n bytes back, at most all.
func (h *Hold) Shrink(n int64) {
	if n <= 0 {
		return
	}
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	if n = min(n, h.n); n > 0 {
		h.pool.giveBack(h, n)
	}
}

// Bytes returns how many bytes h has.
func (h *Hold) Bytes() int64 {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	return h.n
}

// Release gives everything back and ends h; whoever waits in Grow gets a Refusal. Releasing again does nothing.
func (h *Hold) Release() {
	p := h.pool
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.released {
		return
	}
	h.released = true
	if h.waiting != nil {
		w := h.waiting.Value.(*waiter)
		p.leaveLine(h)
		close(w.ready)
	}
	h.unlink()
	p.giveBack(h, h.n)
}

// EvictWith lets those who wait for the pool end h: when its sender has kept h waiting for over a second and no other
// holds more for longer, stop is called, once and without any lock. stop must make h's owner release it. nil takes it back.
func (h *Hold) EvictWith(stop func()) {
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.released {
		return
	}
	h.unlink()
	if h.stop = stop; stop == nil {
		return
	}
	if p.evictable == nil {
		p.evictable, h.next, h.prev = h, h, h
		return
	}
	h.prev, h.next = p.evictable.prev, p.evictable
	h.prev.next, h.next.prev = h, h
}

// unlink takes h out of the ring; pool.mu is held.
func (h *Hold) unlink() {
	if h.next == nil {
		return
	}
	if p := h.pool; p.evictable == h {
		p.evictable = h.next
		if h.next == h {
			p.evictable = nil
		}
	}
	h.prev.next, h.next.prev = h.next, h.prev
	h.next, h.prev, h.stop = nil, nil, nil
}

// PeerWait says that from now on the peer is waited for. Only this time counts against it, not ours.
func (h *Hold) PeerWait() { h.since.Store(time.Now().UnixNano()) }

// PeerDone says that the peer is not waited for any more, and returns for how long it was.
func (h *Hold) PeerDone() time.Duration {
	since := h.since.Swap(0)
	if since == 0 {
		return 0
	}
	d := time.Now().UnixNano() - since
	h.waited.Add(d)
	return time.Duration(d)
}

// PeerWaited returns for how long the peer has been waited for, up to the last PeerDone.
func (h *Hold) PeerWaited() time.Duration { return time.Duration(h.waited.Load()) }

// PeerForgive forgets the time the peer was waited for, but for most: it begins something new, or has delivered something.
func (h *Hold) PeerForgive(most time.Duration) {
	if d := h.waited.Load(); d > int64(most) {
		h.waited.CompareAndSwap(d, int64(most))
	}
}

// kept is for how long the peer has kept h waiting.
func (h *Hold) kept(now time.Time) time.Duration {
	d := h.waited.Load()
	if since := h.since.Load(); since != 0 {
		d += now.UnixNano() - since
	}
	return time.Duration(d)
}

// evict ends the hold whose peer has kept most bytes for longest.
func (p *Pool) evict() {
	now := time.Now()
	p.mu.Lock()
	if now.Sub(p.looked) < evictEvery/2 { // many wait, and one of them has just looked
		p.mu.Unlock()
		return
	}
	p.looked = now
	var worst *Hold
	var score float64
	for h := p.evictable; h != nil; {
		if kept := h.kept(now); kept > evictAfter && h.n > 0 {
			if s := kept.Seconds() * float64(h.n); s > score {
				worst, score = h, s
			}
		}
		if h = h.next; h == p.evictable {
			break
		}
	}
	var stop func()
	if worst != nil {
		stop = worst.stop
		worst.unlink()
		p.evicted++
	}
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
}
