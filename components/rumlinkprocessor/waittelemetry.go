package rumlinkprocessor

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

type dropReason uint8

const (
	dropRefused dropReason = iota
	dropShutdown
	dropCorrupt
	dropCount
)

var dropNames = [dropCount]string{"refused", "shutdown", "corrupt"}

// waitTelemetry is what a room says about itself: records parked are those
// released, dropped, still held, or left in the storage.
type waitTelemetry struct {
	parked       metric.Int64Counter
	releases     metric.Int64Counter
	drops        metric.Int64Counter
	degraded     metric.Int64Counter
	storageFails metric.Int64Counter
	waits        metric.Float64Histogram

	self        metric.MeasurementOption
	releaseOpts [reasonCount]metric.MeasurementOption
	dropOpts    [dropCount]metric.MeasurementOption

	heldRecords, heldBytes metric.Int64ObservableGauge
	meter                  metric.Meter
}

func newWaitTelemetry(set processor.Settings, signal string) (*waitTelemetry, error) {
	b := builder{meter: set.MeterProvider.Meter(scopeName), id: attribute.String("processor", set.ID.String())}
	sig := attribute.String("signal", signal)
	t := &waitTelemetry{
		parked:       b.counter("parked", "{record}", "Records that began to wait, those found in the storage at start included."),
		releases:     b.counter("released", "{record}", "Records that were handed on after waiting, by what ended the wait."),
		drops:        b.counter("wait_dropped", "{record}", "Records lost while waiting: refused for good downstream, not taken before shutdown, unreadable in the storage."),
		degraded:     b.counter("unparked", "{record}", "Records that passed without waiting because max_wait_bytes was reached or the storage failed."),
		storageFails: b.counter("storage_errors", "{error}", "Failed writes and removals of parked data."),
		self:         b.option(sig),
		meter:        b.meter,
	}
	var err error
	t.waits, err = b.meter.Float64Histogram("otelcol_processor_rum_link_park_wait_seconds",
		metric.WithUnit("s"), metric.WithDescription("How long released parcels had waited."),
		metric.WithExplicitBucketBoundaries(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300))
	b.keep(err)
	t.heldRecords, err = b.meter.Int64ObservableGauge("otelcol_processor_rum_link_parked_records",
		metric.WithUnit("{record}"), metric.WithDescription("Records waiting now."))
	b.keep(err)
	t.heldBytes, err = b.meter.Int64ObservableGauge("otelcol_processor_rum_link_parked_bytes",
		metric.WithUnit("By"), metric.WithDescription("What max_wait_bytes limits."))
	b.keep(err)
	for r := range reasonCount {
		t.releaseOpts[r] = b.option(sig, attribute.String("reason", reasonNames[r]))
	}
	for r := range dropCount {
		t.dropOpts[r] = b.option(sig, attribute.String("reason", dropNames[r]))
	}
	return t, b.err
}

// observe reports what r holds until the returned function is called.
func (t *waitTelemetry) observe(r *room) (metric.Registration, error) {
	return t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		records, bytes := r.held()
		o.ObserveInt64(t.heldRecords, records, t.self)
		o.ObserveInt64(t.heldBytes, bytes, t.self)
		return nil
	}, t.heldRecords, t.heldBytes)
}

func (t *waitTelemetry) released(ctx context.Context, batch []*parcel, now int64) {
	for _, p := range batch {
		t.releases.Add(ctx, int64(p.Records), t.releaseOpts[p.reason])
		t.waits.Record(ctx, time.Duration(now-p.since).Seconds(), t.self)
	}
}

func (t *waitTelemetry) dropped(ctx context.Context, why dropReason, batch []*parcel) {
	for _, p := range batch {
		t.drops.Add(ctx, int64(p.Records), t.dropOpts[why])
	}
}

func (t *waitTelemetry) storageFailed(ctx context.Context) { t.storageFails.Add(ctx, 1, t.self) }
