package admission

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// evictEvery is how often somebody who waits looks for a slow sender to evict.
const evictEvery = 100 * time.Millisecond

// Pool is a number of bytes, handed out in order of arrival with bounded waits. Holds that already have something and need
// more go first: only they can end and give back.
type Pool struct {
	name string

	mu                 sync.Mutex
	size, used, peak   int64
	largest            int64 // of one Hold
	wait               time.Duration
	growing, beginning list.List // of *waiter
	stalled            int64     // bytes of the holds in growing
	short              time.Time // since when somebody has been waiting without pause
	evictable          *Hold     // ring of the holds that may be evicted
	evicted            int64
	granted, refused   int64     // holds that got their first bytes, and grows that were refused as busy
	looked             time.Time // for a hold to evict
}

type waiter struct {
	hold  *Hold
	n     int64
	ready chan struct{} // closed with granted set, or when the hold was released
	// granted is written before ready is closed.
	granted bool
}

// Usage is what a pool holds.
type Usage struct {
	Name              string
	Held, Limit, Peak int64
	Waiting           int
	// ShortFor is for how long somebody has been waiting without pause.
	ShortFor time.Duration
	// Evicted counts the holds that were ended because others waited.
	Evicted int64
	// Granted counts the holds that got their first bytes, Refused the refusals because too much was held.
	Granted, Refused int64
}

// Usage returns what the pool holds now.
func (p *Pool) Usage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := Usage{Name: p.name, Held: p.used, Limit: p.size, Peak: p.peak, Waiting: p.growing.Len() + p.beginning.Len(),
		Evicted: p.evicted, Granted: p.granted, Refused: p.refused}
	if u.Waiting > 0 {
		u.ShortFor = time.Since(p.short)
	}
	return u
}

// Short reports whether somebody waits for bytes of the pool.
func (p *Pool) Short() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.growing.Len()+p.beginning.Len() > 0
}

// Largest returns how many bytes one Hold may have.
func (p *Pool) Largest() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.largest
}

// Reserve waits, in order of arrival and for max_wait at most, until n bytes are free, and takes them.
// Its error is a *Refusal, or ctx's.
func (p *Pool) Reserve(ctx context.Context, n int64) (*Hold, error) {
	h := &Hold{}
	h.Open(p)
	if err := h.Grow(ctx, n); err != nil {
		return nil, err
	}
	return h, nil
}

// grow takes n bytes for h.
func (p *Pool) grow(ctx context.Context, h *Hold, n int64, mayWait bool) error {
	p.mu.Lock()
	switch {
	case h.released:
		p.mu.Unlock()
		return errReleased
	case h.n+n > p.largest:
		largest := p.largest
		p.mu.Unlock()
		return Refuse(ReasonPrice, "costs more than %d bytes of memory, the most that one request may", largest)
	case p.used+n <= p.size && p.growing.Len() == 0 && (h.n > 0 || p.beginning.Len() == 0):
		p.take(h, n)
		p.mu.Unlock()
		return nil
	case !mayWait:
		p.mu.Unlock()
		return errBusy
	case h.n > 0 && p.stalled+h.n >= p.used:
		// Everybody who holds something waits for more, so nobody would ever give back: the last one does.
		p.refused++
		p.mu.Unlock()
		return errBusy
	}
	w := &waiter{hold: h, n: n, ready: make(chan struct{})}
	if p.growing.Len()+p.beginning.Len() == 0 {
		p.short = time.Now()
	}
	line := &p.beginning
	if h.n > 0 {
		line = &p.growing
		p.stalled += h.n
	}
	h.waiting, h.line = line.PushBack(w), line
	wait := p.wait
	p.mu.Unlock()
	return p.await(ctx, w, wait)
}

func (p *Pool) await(ctx context.Context, w *waiter, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	evict := time.NewTicker(evictEvery)
	defer evict.Stop()
	err := error(errBusy)
	p.evict()
wait:
	for {
		select {
		case <-w.ready:
			break wait
		case <-evict.C:
			p.evict()
		case <-deadline.C:
			break wait
		case <-ctx.Done():
			err = ctx.Err()
			break wait
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.granted {
		return nil
	}
	if w.hold.released {
		return errReleased
	}
	if errors.Is(err, errBusy) {
		p.refused++
	}
	p.leaveLine(w.hold)
	p.wake() // the next in line may need less
	return err
}

// take gives h its bytes; p.mu is held.
func (p *Pool) take(h *Hold, n int64) {
	if h.n == 0 {
		p.granted++
	}
	h.n += n
	p.used += n
	p.peak = max(p.peak, p.used)
}

// leaveLine takes h out of the line it waits in; p.mu is held.
func (p *Pool) leaveLine(h *Hold) {
	if h.waiting == nil {
		return
	}
	h.line.Remove(h.waiting)
	if h.line == &p.growing {
		p.stalled -= h.n
	}
	h.waiting, h.line = nil, nil
}

// wake grants what fits now, first come first served; p.mu is held.
func (p *Pool) wake() {
	for {
		e := p.growing.Front()
		if e == nil {
			e = p.beginning.Front()
		}
		if e == nil {
			return
		}
		w := e.Value.(*waiter)
		if p.used+w.n > p.size {
			return
		}
		p.leaveLine(w.hold)
		p.take(w.hold, w.n)
		w.granted = true
		close(w.ready)
	}
}

// giveBack returns n bytes of h; p.mu is held.
func (p *Pool) giveBack(h *Hold, n int64) {
	if h.line == &p.growing {
		p.stalled -= n
	}
	h.n -= n
	p.used -= n
	p.wake()
}

func (p *Pool) resize(size, largest int64, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size, p.largest, p.wait = size, min(largest, size), wait
	p.wake()
}
