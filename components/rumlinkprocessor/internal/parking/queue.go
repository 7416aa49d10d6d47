package rumlinkprocessor

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	most    int // records that leave in one call
	closing bool

	wake     chan struct{}
	stopping chan struct{}
	done     chan struct{}
}

func newRoom(wait time.Duration, most int64, now func() int64, send func(context.Context, []*parcel) error, tel *waitTelemetry, logger *zap.Logger) *room {
	return &room{
		wait: wait, max: most, now: now, send: send, tel: tel, logger: logger,
		waiting:  list.New(),
		byKey:    make(map[store.Key][]*list.Element),
		most:     maxRelease,
		wake:     make(chan struct{}, 1),
		stopping: make(chan struct{}),
		done:     make(chan struct{}),
	}
}

// reserve promises room for n bytes, or, when there is none, lets the oldest
// parcels go and says no. What could never fit drives nobody out.
func (r *room) reserve(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+n <= r.max && !r.closing {
		r.bytes += n
		return true
	}
	over := r.bytes + n - r.max
	for n <= r.max && over > 0 && r.waiting.Len() > 0 {
		over -= r.leave(r.waiting.Front(), reasonPressure).size()
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
		if p.ready {
			r.leave(el, reasonPartner)
		}
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
	delete(r.byKey, k)
	for _, el := range elements {
		r.leave(el, reasonPartner)
	}
	r.poke()
}

// leave moves one parcel from waiting to ready. The lock is held.
func (r *room) leave(el *list.Element, why releaseReason) *parcel {
	p := r.waiting.Remove(el).(*parcel)
	for _, k := range p.wants {
		r.forget(k, el)
	}
	p.reason = why
	r.ready = append(r.ready, p)
	return p
}

// forget takes el from those that wait for k. The oldest leave first, and of
// those that wait for k they stand at the front: however many there are, a step
// is short. The lock is held.
func (r *room) forget(k store.Key, el *list.Element) {
	elements := r.byKey[k]
	switch i := slices.Index(elements, el); {
	case i < 0: // all that wait for k leave
		return
	case i == 0:
		elements[0] = nil
		elements = elements[1:]
	default:
		elements = slices.Delete(elements, i, i+1)
	}
	if len(elements) == 0 {
		delete(r.byKey, k)
	} else {
		r.byKey[k] = elements
	}
}

func (r *room) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// held returns what is in the room, for gauges.
func (r *room) held() (records, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records, r.bytes
}
