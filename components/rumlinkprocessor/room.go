package rumlinkprocessor

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

const (
	// One call to the next consumer carries at most about this many records.
	maxRelease = 2000
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
	// How long a shutdown goes on trying a consumer that refuses for now.
	shutdownPatience = 5 * time.Second
)

// releaseReason is why a parcel left.
type releaseReason uint8

const (
	reasonPartner releaseReason = iota
	reasonDeadline
	reasonPressure
	reasonShutdown
	reasonCount
)

var reasonNames = [reasonCount]string{"partner", "deadline", "pressure", "shutdown"}

// room is where parcels wait: each for one of its partners, for its deadline,
// until the room is needed for others, or for the shutdown, whichever is first.
// One goroutine hands them on, in order of arrival among those that leave
// together. What the next consumer refuses for now is tried again and keeps its
// place in the account; so a full room means that its user must not park.
type room struct {
	wait    time.Duration
	max     int64
	now     func() int64
	send    func(context.Context, []*parcel) error
	journal *journal // nil without storage
	logger  *zap.Logger
	tel     *waitTelemetry

	count   atomic.Int64 // parcels in waiting or ready
	mu      sync.Mutex
	bytes   int64 // of all parcels, and what is promised to callers
	records int64
	nextID  uint64     // when there is no journal
	waiting *list.List // of *parcel, by arrival and therefore by deadline
	byKey   map[store.Key][]*list.Element
	ready   []*parcel
	closing bool

	wake chan struct{}
	done chan struct{}
}

func newRoom(wait time.Duration, most int64, now func() int64, send func(context.Context, []*parcel) error, tel *waitTelemetry, logger *zap.Logger) *room {
	return &room{
		wait: wait, max: most, now: now, send: send, tel: tel, logger: logger,
		waiting: list.New(),
		byKey:   make(map[store.Key][]*list.Element),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
}

// reserve promises room for n bytes, or, when there is none, lets the oldest
// parcels go and says no.
func (r *room) reserve(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+n <= r.max && !r.closing {
		r.bytes += n
		return true
	}
	for over := r.bytes + n - r.max; over > 0 && r.waiting.Len() > 0; {
		p := r.leave(r.waiting.Front(), reasonPressure)
		over -= p.size()
	}
	r.poke()
	return false
}

func (r *room) unreserve(n int64) {
	r.mu.Lock()
	r.bytes -= n
	r.mu.Unlock()
}

// park takes parcels in whose bytes are reserved. With a journal they are on
// disk when it returns nil; when it returns an error, none is parked and the
// promise is taken back.
func (r *room) park(ctx context.Context, parcels []*parcel) error {
	if r.journal != nil {
		if err := r.journal.add(ctx, parcels); err != nil {
			for _, p := range parcels {
				r.unreserve(p.size())
			}
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journal == nil {
		r.nextID = number(parcels, r.nextID)
	}
	r.insert(parcels)
	return nil
}

// insert begins the wait. The lock is held.
func (r *room) insert(parcels []*parcel) {
	now := r.now()
	for _, p := range parcels {
		p.since, p.due = now, now+int64(r.wait)
		el := r.waiting.PushBack(p)
		for _, k := range p.wants {
			r.byKey[k] = append(r.byKey[k], el)
		}
		r.records += int64(p.Records)
		r.count.Add(1)
	}
	r.poke()
}

// arrived lets go those that waited for k.
func (r *room) arrived(k store.Key) {
	if r.count.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	elements := r.byKey[k]
	if len(elements) == 0 {
		return
	}
	for _, el := range slices.Clone(elements) {
		r.leave(el, reasonPartner)
	}
	r.poke()
}

// leave moves one parcel from waiting to ready. The lock is held.
func (r *room) leave(el *list.Element, why releaseReason) *parcel {
	p := r.waiting.Remove(el).(*parcel)
	for _, k := range p.wants {
		rest := slices.DeleteFunc(r.byKey[k], func(other *list.Element) bool { return other == el })
		if len(rest) == 0 {
			delete(r.byKey, k)
		} else {
			r.byKey[k] = rest
		}
	}
	p.reason = why
	r.ready = append(r.ready, p)
	return p
}

func (r *room) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take returns what is to leave now, at most about maxRelease records in order
// of arrival, and how long until the next deadline.
func (r *room) take() (batch []*parcel, next time.Duration, closing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	next = r.wait
	for el := r.waiting.Front(); el != nil; el = r.waiting.Front() {
		if due := el.Value.(*parcel).due; due > now && !r.closing {
			next = time.Duration(due - now)
			break
		}
		why := reasonDeadline
		if r.closing {
			why = reasonShutdown
		}
		r.leave(el, why)
	}
	slices.SortFunc(r.ready, func(a, b *parcel) int { return cmp.Compare(a.id, b.id) })
	n, records := 0, 0
	for n < len(r.ready) && (n == 0 || records < maxRelease) && r.goesWith(n) {
		records += r.ready[n].Records
		n++
	}
	batch = slices.Clone(r.ready[:n])
	r.ready = slices.Delete(r.ready, 0, n)
	return batch, next, r.closing
}

// goesWith says whether ready parcel n may leave in one call with the first.
func (r *room) goesWith(n int) bool {
	first, p := r.ready[0], r.ready[n]
	return n == 0 || first.mixes() && p.mixes() || first.Call == p.Call
}

// back puts a refused batch back to be tried again.
func (r *room) back(batch []*parcel) {
	r.mu.Lock()
	r.ready = append(r.ready, batch...)
	r.mu.Unlock()
}

// settle takes a batch off the account for good.
func (r *room) settle(ctx context.Context, batch []*parcel) {
	ids := make([]uint64, len(batch))
	r.mu.Lock()
	for i, p := range batch {
		ids[i] = p.id
		r.bytes -= p.size()
		r.records -= int64(p.Records)
	}
	r.mu.Unlock()
	r.count.Add(-int64(len(batch)))
	if r.journal == nil {
		return
	}
	if err := r.journal.remove(ctx, ids); err != nil {
		r.tel.storageFailed(ctx)
		r.logger.Error("Parked data was handed on and may be handed on again after a restart", zap.Error(err))
	}
}

// run hands parcels on until close has been called and all are gone, or ctx
// ends.
func (r *room) run(ctx context.Context) {
	defer close(r.done)
	timer := time.NewTimer(r.wait)
	defer timer.Stop()
	backoff := minBackoff
	for {
		batch, next, closing := r.take()
		switch {
		case len(batch) > 0:
			err := r.send(ctx, batch)
			switch {
			case err == nil:
				r.tel.released(ctx, batch, r.now())
				r.settle(ctx, batch)
				backoff = minBackoff
				continue
			case consumererror.IsPermanent(err):
				r.tel.dropped(ctx, dropRefused, batch)
				r.logger.Error("The next consumer refused parked data for good", zap.Error(err))
				r.settle(ctx, batch)
				continue
			}
			r.back(batch)
			next, backoff = backoff, min(2*backoff, maxBackoff)
			if closing {
				next = minBackoff
			}
		case closing:
			return
		}
		timer.Reset(next)
		if !r.sleep(ctx, timer, len(batch) > 0) {
			return
		}
	}
}

// sleep waits for the timer or, unless a consumer needs time to recover, for
// something to do. It says whether to go on.
func (r *room) sleep(ctx context.Context, timer *time.Timer, recovering bool) bool {
	wake := r.wake
	if recovering {
		wake = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}

// held returns what is in the room, for gauges.
func (r *room) held() (records, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records, r.bytes
}

// close lets everything go and waits until it has, within the patience of
// ctx and of the room. cancel must end the context of run.
func (r *room) close(ctx context.Context, cancel context.CancelFunc) {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.poke()
	patience := time.NewTimer(shutdownPatience)
	defer patience.Stop()
	select {
	case <-r.done:
	case <-ctx.Done():
	case <-patience.C:
	}
	cancel()
	<-r.done
	r.mu.Lock()
	rest := append(r.ready, r.remaining()...)
	r.mu.Unlock()
	if len(rest) == 0 {
		return
	}
	if r.journal != nil {
		r.logger.Warn("Parked data stays in the storage and is handed on after the next start", zap.Int("parcels", len(rest)))
		return
	}
	r.tel.dropped(context.WithoutCancel(ctx), dropShutdown, rest)
	r.logger.Error("Parked data was lost: the next consumer did not take it before the shutdown ended", zap.Int("parcels", len(rest)))
}

func (r *room) remaining() (rest []*parcel) {
	for el := r.waiting.Front(); el != nil; el = el.Next() {
		rest = append(rest, el.Value.(*parcel))
	}
	return rest
}
