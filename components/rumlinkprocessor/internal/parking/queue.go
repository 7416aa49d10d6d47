package parking

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// One call to the next consumer carries at most about this many records.
const maxRelease = 2000

// Reason is why an item left.
type Reason uint8

// The reasons; Reasons is their number.
const (
	Partner Reason = iota
	Deadline
	Pressure
	Shutdown
	Reasons
)

var reasonNames = [Reasons]string{"partner", "deadline", "pressure", "shutdown"}

func (r Reason) String() string { return reasonNames[r] }

// Config is what a Queue needs.
type Config struct {
	// Wait is how long an item waits at most.
	Wait time.Duration
	// Gather is how long what is ready may wait for more, so that both leave in
	// one call: each is a write to the exporter's queue.
	Gather time.Duration
	// MaxBytes bounds the sizes of all items.
	MaxBytes int64
	// Now is a monotonic clock in nanoseconds.
	Now func() int64
	// Send hands items on to the next consumer.
	Send func(context.Context, []*Item) error
	Reports
}

// Reports are called with what happened, by the goroutine to which it happened. They
// must not call the queue.
type Reports struct {
	// Released: the next consumer has accepted the items.
	Released func(context.Context, []*Item)
	// Refused: the next consumer will never accept the items; they are gone.
	Refused func(context.Context, []*Item, error)
	// Unreadable: an item in the storage could not be read and is removed.
	Unreadable func(context.Context, *Item, error)
	// NotRemoved: the items left, but the storage would not remove them.
	NotRemoved func(context.Context, error)
}

// Queue is where items wait. What the next consumer refuses for now is tried
// again and keeps its bytes; so a Reserve that fails means that its caller must
// not park.
type Queue struct {
	cfg     Config
	journal *journal.Journal // nil without storage

	count   atomic.Int64 // items, for a quick look without the lock
	mu      sync.Mutex
	bytes   int64 // of all items, and what is promised to callers
	records int64
	seq     uint64 // of the next item
	waiting waitList
	ready   []*Item
	most    int // records that leave in one call
	closing bool

	signals
}

// signals wake and end the goroutine that hands items on.
type signals struct {
	wake     chan struct{}
	stopping chan struct{}
	done     chan struct{}
	cancel   context.CancelFunc // nil before Start
	removed  time.Time          // when the first of the removals was noted that may not be written; of the goroutine
}

// New returns an empty queue.
func New(cfg Config) *Queue {
	return &Queue{
		cfg:     cfg,
		waiting: newWaitList(),
		most:    maxRelease,
		signals: signals{wake: make(chan struct{}, 1), stopping: make(chan struct{}), done: make(chan struct{})},
	}
}

// Wait returns how long an item waits at most.
func (q *Queue) Wait() time.Duration { return q.cfg.Wait }

// Reserve promises space for n bytes, or, when there is none, lets the oldest
// items go and reports false. What could never fit drives nobody out.
func (q *Queue) Reserve(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+n <= q.cfg.MaxBytes && !q.closing {
		q.bytes += n
		return true
	}
	over := q.bytes + n - q.cfg.MaxBytes
	for n <= q.cfg.MaxBytes && over > 0 && q.waiting.oldest() != nil {
		it := q.waiting.takeOldest()
		q.leave(Pressure, it)
		over -= it.Size()
	}
	q.poke()
	return false
}

// Unreserve takes back the promise of space for items that are not parked.
func (q *Queue) Unreserve(items []*Item) {
	q.mu.Lock()
	for _, it := range items {
		q.bytes -= it.Size()
	}
	q.mu.Unlock()
}

// Park takes items in whose bytes are reserved. With a journal they are in the
// storage when it returns nil; when it returns an error, none is parked and the
// promise is taken back.
func (q *Queue) Park(ctx context.Context, items []*Item) error {
	q.mu.Lock()
	first := q.seq
	q.seq += uint64(len(items))
	q.mu.Unlock()
	for i, it := range items {
		it.Seq, it.Call = first+uint64(i), first
	}
	if err := q.write(ctx, items); err != nil {
		q.Unreserve(items)
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.insert(items)
	return nil
}

// insert begins the wait. The lock is held.
func (q *Queue) insert(items []*Item) {
	now := q.cfg.Now()
	for _, it := range items {
		it.Since, it.due = now, now+int64(q.cfg.Wait)
		q.records += int64(it.Records)
		q.count.Add(1)
		if it.Ready {
			q.leave(Partner, it)
		} else {
			q.waiting.add(it)
		}
	}
	q.poke()
}

// Arrived lets those go that want k.
func (q *Queue) Arrived(k index.EntryKey) {
	if q.count.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if items := q.waiting.takeAll(k); len(items) > 0 {
		q.leave(Partner, items...)
		q.poke()
	}
}

// leave makes items ready to go. The lock is held.
func (q *Queue) leave(why Reason, items ...*Item) {
	for _, it := range items {
		it.Reason = why
	}
	q.ready = append(q.ready, items...)
}

// Held returns what is in the queue, for gauges.
func (q *Queue) Held() (records, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.records, q.bytes
}

// Poke has the queue look at its clock.
func (q *Queue) Poke() { q.poke() }

func (q *Queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// all returns everything in the queue. The lock is held.
func (q *Queue) all() []*Item { return append(slices.Clone(q.ready), q.waiting.items()...) }
