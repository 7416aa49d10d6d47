package rumlinkprocessor

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// waiting is the queue of one pipeline, its storage and its numbers.
type waiting struct {
	queue  *parking.Queue
	signal pipeline.Signal
	shared *shared
	set    processor.Settings
	tel    *metadata.TelemetryBuilder
	opts   options
	self   metric.MeasurementOption
}

func newWaiting(set processor.Settings, s *shared, signal pipeline.Signal, queue parking.Config) (w *waiting, err error) {
	w = &waiting{signal: signal, shared: s, set: set, opts: options{set.ID.String()}}
	w.self = w.opts.of("signal", signal.String())
	if w.tel, err = metadata.NewTelemetryBuilder(set.TelemetrySettings); err != nil {
		return nil, err
	}
	queue.Reports = w.reports(queue.Now)
	w.queue = parking.New(queue)
	return w, nil
}

// reports counts and logs what happens in the queue.
func (w *waiting) reports(now func() int64) parking.Reports {
	var released [parking.Reasons]metric.MeasurementOption
	for r := range released {
		released[r] = w.opts.of("signal", w.signal.String(), "reason", parking.Reason(r).String())
	}
	return parking.Reports{
		Released: func(ctx context.Context, items []*parking.Item) {
			for _, it := range items {
				w.tel.ProcessorRumLinkReleased.Add(ctx, int64(it.Records), released[it.Reason])
				w.tel.ProcessorRumLinkParkWaitSeconds.Record(ctx, time.Duration(now()-it.Since).Seconds(), w.self)
			}
		},
		Refused: func(ctx context.Context, items []*parking.Item, err error) {
			w.dropped(ctx, "refused", items...)
			w.set.Logger.Error("The next consumer refused waiting data for good", zap.Error(err))
		},
		Unreadable: func(ctx context.Context, it *parking.Item, err error) {
			w.dropped(ctx, "corrupt", it)
			w.set.Logger.Error("An item in the storage is unreadable and is removed", zap.Error(err))
		},
		NotRemoved: func(ctx context.Context, err error) {
			w.tel.ProcessorRumLinkStorageErrors.Add(ctx, 1, w.self)
			w.set.Logger.Error("Waiting data was handed on and may be handed on again after a restart", zap.Error(err))
		},
	}
}

func (w *waiting) dropped(ctx context.Context, why string, items ...*parking.Item) {
	w.tel.ProcessorRumLinkWaitDropped.Add(ctx, parking.Count(items), w.opts.of("signal", w.signal.String(), "reason", why))
}

// reserve promises space for items, or counts that they pass without waiting.
func (w *waiting) reserve(ctx context.Context, items []*parking.Item) bool {
	var size int64
	for _, it := range items {
		size += it.Size()
	}
	ok := w.queue.Reserve(size)
	if !ok {
		w.tel.ProcessorRumLinkUnparked.Add(ctx, parking.Count(items), w.self)
	}
	return ok
}

// park begins the wait of items that have been promised space.
func (w *waiting) park(ctx context.Context, items []*parking.Item) error {
	if err := w.queue.Park(ctx, items); err != nil {
		w.tel.ProcessorRumLinkStorageErrors.Add(ctx, 1, w.self)
		w.tel.ProcessorRumLinkUnparked.Add(ctx, parking.Count(items), w.self)
		return err
	}
	w.tel.ProcessorRumLinkParked.Add(ctx, parking.Count(items), w.self)
	return nil
}

// start opens the storage, takes up what an earlier process left there, and
// begins to hand on. adopt looks at an item from the storage: it makes its
// content known and says what it waits for.
func (w *waiting) start(ctx context.Context, host component.Host, adopt func(*parking.Item) error) error {
	if w.shared.cfg.Storage == nil {
		w.set.Logger.Warn("Data that waits is acknowledged and lives in memory alone: up to max_wait_bytes of it dies with the process. Set storage to keep it.",
			zap.Stringer("signal", w.signal), zap.Duration("wait", w.queue.Wait()))
	} else if err := w.recover(ctx, host, adopt); err != nil {
		return err
	}
	for _, err := range []error{
		w.tel.RegisterProcessorRumLinkParkedRecordsCallback(observe(w.self, func() int64 { n, _ := w.queue.Held(); return n })),
		w.tel.RegisterProcessorRumLinkParkedBytesCallback(observe(w.self, func() int64 { _, n := w.queue.Held(); return n })),
	} {
		if err != nil {
			return fmt.Errorf("observe waiting data: %w", err)
		}
	}
	w.queue.Start()
	return nil
}

func (w *waiting) recover(ctx context.Context, host component.Host, adopt func(*parking.Item) error) error {
	if err := w.shared.claim(w.signal); err != nil {
		return err
	}
	j, err := journal.Open(ctx, host, journal.Config{Storage: *w.shared.cfg.Storage, Kind: component.KindProcessor, Owner: w.set.ID, Name: w.signal.String()})
	if err != nil {
		return err
	}
	found, err := w.queue.Recover(ctx, j, adopt)
	if err != nil {
		return err
	}
	w.tel.ProcessorRumLinkParked.Add(ctx, found, w.self)
	return nil
}

// shutdown hands on what waits, and says what could not be.
func (w *waiting) shutdown(ctx context.Context) error {
	rest, err := w.queue.Close(ctx)
	w.tel.Shutdown()
	switch {
	case len(rest) == 0:
	case w.shared.cfg.Storage != nil:
		w.set.Logger.Warn("Waiting data stays in the storage and is handed on after the next start", zap.Int64("records", parking.Count(rest)))
	default:
		w.dropped(context.WithoutCancel(ctx), "shutdown", rest...)
		w.set.Logger.Error("Waiting data was lost: the next consumer did not take it before the shutdown ended", zap.Int64("records", parking.Count(rest)))
	}
	return err
}
