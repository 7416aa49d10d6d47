package rumlinkprocessor

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

// waiting is the part of a linker that holds data back, nil when nothing waits.
type waiting struct {
	room   *room
	signal string
	cfg    *Config
	set    processor.Settings
	cancel context.CancelFunc
	gauges metric.Registration
}

// start opens the storage, takes back in what an earlier process left there,
// and begins to hand on. adopt looks at a parcel from the storage: it makes
// its content known and says what it waits for.
func (w *waiting) start(ctx context.Context, host component.Host, adopt func(*parcel) error) (err error) {
	if w.cfg.Storage == nil {
		w.set.Logger.Warn("Data that waits is acknowledged and lives in memory alone: up to max_wait_bytes of it dies with the process. Set storage to keep it.",
			zap.String("signal", w.signal), zap.Duration("wait", w.room.wait), zap.Int64("max_wait_bytes", w.room.max))
	} else {
		if err := w.cfg.shared.claim(w.signal); err != nil {
			return err
		}
		w.room.journal, err = openJournal(ctx, host, *w.cfg.Storage, w.set.ID, w.signal)
		if err != nil {
			return err
		}
		if err := w.recover(ctx, adopt); err != nil {
			return err
		}
	}
	if w.gauges, err = w.room.tel.observe(w.room); err != nil {
		return fmt.Errorf("observe parked data: %w", err)
	}
	var run context.Context
	run, w.cancel = context.WithCancel(context.Background())
	go w.room.run(run)
	return nil
}

// recover gives parcels of an earlier process a fresh wait: nothing that they
// wait for is known any more.
func (w *waiting) recover(ctx context.Context, adopt func(*parcel) error) error {
	var found, corrupt []*parcel
	err := w.room.journal.load(ctx, func(id uint64, raw []byte) {
		p := &parcel{id: id}
		err := p.UnmarshalBinary(raw)
		if err == nil {
			err = adopt(p)
		}
		if err != nil {
			w.set.Logger.Error("A parcel in the storage is unreadable and is removed", zap.Uint64("parcel", id), zap.Error(err))
			p.Records = max(1, p.Records)
			corrupt = append(corrupt, p)
			return
		}
		found = append(found, p)
	})
	if err != nil {
		return err
	}
	r := w.room
	r.mu.Lock()
	for _, p := range append(found, corrupt...) {
		r.bytes += p.size()
		r.tel.parked.Add(ctx, int64(p.Records), r.tel.self)
	}
	r.insert(found)
	r.mu.Unlock()
	if len(corrupt) > 0 {
		r.count.Add(int64(len(corrupt)))
		r.mu.Lock()
		for _, p := range corrupt {
			r.records += int64(p.Records)
		}
		r.mu.Unlock()
		r.tel.dropped(ctx, dropCorrupt, corrupt)
		r.settle(ctx, corrupt)
	}
	return nil
}

// shutdown may follow a start that failed half-way.
func (w *waiting) shutdown(ctx context.Context) (err error) {
	if w.cancel != nil {
		w.room.close(ctx, w.cancel)
		w.cancel = nil
	}
	if w.gauges != nil {
		err = w.gauges.Unregister()
		w.gauges = nil
	}
	if w.room.journal != nil {
		err = errors.Join(err, w.room.journal.close(ctx))
		w.room.journal = nil
	}
	return err
}

// call is what one Consume call leaves to be done once the next consumer has
// accepted the rest of its data. It rides in the context from the outermost
// consumer, through processorhelper, to the linker.
type call struct {
	parcels  []*parcel
	consumed []store.Key
}

// withCall files the call under its linker, a pointer: the context goes on to
// the next consumer, which may be a linker too.
func withCall(ctx context.Context, linker any) (context.Context, *call) {
	c := new(call)
	return context.WithValue(ctx, linker, c), c
}

func callOf(ctx context.Context, linker any) *call {
	c, _ := ctx.Value(linker).(*call)
	return c
}

// giveBack undoes reservations when the caller keeps its data.
func (w *waiting) giveBack(parcels []*parcel) {
	for _, p := range parcels {
		w.room.unreserve(p.size())
	}
}

func records(parcels []*parcel) (n int64) {
	for _, p := range parcels {
		n += int64(p.Records)
	}
	return n
}

// clientContext is the context under which a batch leaves.
func clientContext(ctx context.Context, batch []*parcel) context.Context {
	if batch[0].mixes() {
		return ctx
	}
	return client.NewContext(ctx, batch[0].info)
}

// consume forgets the keys that were used up.
func (j *join) consume(keys []store.Key) {
	for _, k := range keys {
		j.store.Remove(k)
	}
}

// consumes says whether any key is to be forgotten after use.
func (j *join) consumes() bool {
	for i := range j.keys {
		if j.keys[i].Consume {
			return true
		}
	}
	return false
}
