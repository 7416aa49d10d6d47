package ddstats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// Config says how a Runner counts and hands on.
type Config struct {
	Interval time.Duration
	// JournalInterval is how often what is open is written to Storage. Zero writes it with every batch.
	JournalInterval time.Duration
	Limits          Limits
	// Storage is a storage extension, or nil to lose what is open with the process.
	Storage *component.ID
	Kind    component.Kind
	Owner   component.ID
	// Send hands a closed bucket on. After an error it is offered again.
	Send func(context.Context, *Bucket) error
	Log  *zap.Logger
	Now  func() time.Time
}

// Runner owns the buckets of a component: it closes them, hands them on, and keeps them in a journal until they are.
type Runner struct {
	cfg     Config
	buckets *Buckets
	journal *journal.Journal

	mu      sync.Mutex // held while closed buckets are handed on
	closed  []*Bucket
	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewRunner returns a runner that is not started.
func NewRunner(cfg Config) *Runner {
	return &Runner{cfg: cfg, buckets: NewBuckets(cfg.Interval, cfg.Limits, cfg.Now()), stop: make(chan struct{})}
}

// Start loads what an earlier process left and begins to close buckets.
func (r *Runner) Start(ctx context.Context, host component.Host) error {
	if r.cfg.Storage != nil {
		j, err := journal.Open(ctx, host, journal.Config{Storage: *r.cfg.Storage, Kind: r.cfg.Kind, Owner: r.cfg.Owner, Name: "open_statistics"})
		if err != nil {
			return err
		}
		r.journal = j
		if err := j.Load(ctx, r.restore); err != nil {
			return fmt.Errorf("load open statistics: %w", err)
		}
	}
	r.every(r.cfg.Interval/10, func() {
		if err := r.flush(context.Background(), false); err != nil {
			r.cfg.Log.Warn("statistics can't be handed on and are kept", zap.Error(err))
		}
	})
	if r.journal != nil && r.cfg.JournalInterval > 0 {
		r.every(r.cfg.JournalInterval, func() {
			if err := r.sync(context.Background()); err != nil {
				r.cfg.Log.Warn("open statistics can't be written to storage", zap.Error(err))
			}
		})
	}
	return nil
}

func (r *Runner) every(d time.Duration, f func()) {
	r.stopped.Go(func() {
		ticker := time.NewTicker(max(d, time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-r.stop:
				return
			case <-ticker.C:
				f()
			}
		}
	})
}

// Shutdown hands everything on, or leaves what can't be in the journal.
func (r *Runner) Shutdown(ctx context.Context) error {
	close(r.stop)
	r.stopped.Wait()
	err := r.flush(ctx, true)
	if r.journal != nil {
		err = errors.Join(err, r.sync(ctx), r.journal.Close(ctx))
	}
	return err
}

// Add adds what was counted of a batch that has been taken. The error is that of the journal, with JournalInterval zero.
func (r *Runner) Add(ctx context.Context, d Delta) (Counts, error) {
	c := r.buckets.Add(d, r.cfg.Now())
	if r.journal != nil && r.cfg.JournalInterval == 0 {
		return c, r.sync(ctx)
	}
	return c, nil
}

// flush closes buckets and hands them on.
func (r *Runner) flush(ctx context.Context, all bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = append(r.closed, r.buckets.Close(r.cfg.Now(), all)...)
	if len(r.closed) > 0 && r.journal != nil {
		// What the journal has must not be older than what is sent: sent again after a kill, it would take its place.
		if err := r.buckets.note(r.journal, r.closed); err != nil {
			return err
		}
		if err := r.journal.Sync(ctx); err != nil {
			return err
		}
	}
	for len(r.closed) > 0 {
		b := r.closed[0]
		if err := r.cfg.Send(ctx, b); err != nil {
			return err
		}
		r.forget(b)
		r.closed = r.closed[1:]
	}
	return nil
}

func (r *Runner) forget(b *Bucket) {
	if r.journal != nil {
		for _, g := range b.groups {
			if g.noted {
				r.journal.Remove(g.number)
			}
		}
	}
	r.buckets.Forget(b)
}

// sync writes the groups that changed.
func (r *Runner) sync(ctx context.Context) error {
	r.mu.Lock()
	err := r.buckets.note(r.journal, r.closed)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	return r.journal.Sync(ctx)
}

// note tells the journal the groups that changed.
func (b *Buckets) note(j *journal.Journal, closed []*Bucket) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(closed)
	all = slices.AppendSeq(all, maps.Values(b.open))
	all = slices.AppendSeq(all, maps.Values(b.late))
	for _, bucket := range all {
		if err := bucket.note(j); err != nil {
			return err
		}
	}
	return nil
}

func (bucket *Bucket) note(j *journal.Journal) error {
	for k, g := range bucket.groups {
		if !g.dirty {
			continue
		}
		raw, err := encodeItem(bucket, k, g)
		if err != nil {
			return err
		}
		if !g.noted {
			g.number, g.noted = j.Number(), true
		}
		g.dirty = false
		j.Set(g.number, func() []byte { return raw })
	}
	return nil
}

// restore takes a group out of the journal. Nothing is added to its bucket any more, so that it is sent as it was.
func (r *Runner) restore(n uint64, value []byte) {
	start, closes, k, g, err := decodeItem(value)
	if err != nil {
		r.cfg.Log.Warn("open statistics in storage can't be read", zap.Error(err))
		r.journal.Remove(n)
		return
	}
	b := r.buckets
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket := b.open[start]
	if bucket == nil {
		bucket = newBucket(start, closes)
		b.open[start] = bucket
	}
	g.number, g.noted = n, true
	if bucket.groups[k] == nil {
		b.groups++
	}
	bucket.groups[k] = g
	b.oldest = max(b.oldest, b.align(start)+b.interval)
}
