package rumlinkprocessor

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observeStore reports the store that all instances of one id share, once,
// until the returned registration is ended.
func observeStore(set processor.Settings, j *join) (metric.Registration, error) {
	const prefix = "otelcol_processor_rum_link_"
	meter := set.MeterProvider.Meter(scopeName)
	b := builder{meter: meter, id: attribute.String("processor", set.ID.String())}

	entries, err := meter.Int64ObservableGauge(prefix+"store_entries",
		metric.WithUnit("{entry}"), metric.WithDescription("Spans, traces and keys in the store, those remembered as expired included."))
	b.keep(err)
	bytes, err := meter.Int64ObservableGauge(prefix+"store_bytes",
		metric.WithUnit("By"), metric.WithDescription("Memory the store takes, by its own account."))
	b.keep(err)
	evictions, err := meter.Int64ObservableCounter(prefix+"evictions",
		metric.WithUnit("{entry}"), metric.WithDescription("Entries that left the store: expired, too many in all, or too many of one tenant."))
	b.keep(err)
	refused, err := meter.Int64ObservableCounter(prefix+"dropped_new",
		metric.WithUnit("{entry}"), metric.WithDescription("Entries that the store had no room for."))
	b.keep(err)
	if b.err != nil {
		return nil, b.err
	}
	self := b.option()
	ttl := b.option(attribute.String("reason", "ttl"))
	capacity := b.option(attribute.String("reason", "capacity"))
	tenant := b.option(attribute.String("reason", "tenant"))
	reg, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := j.store.Stats()
		o.ObserveInt64(entries, s.Entries, self)
		o.ObserveInt64(bytes, s.Bytes, self)
		o.ObserveInt64(evictions, s.EvictedTTL, ttl)
		o.ObserveInt64(evictions, s.EvictedCapacity, capacity)
		o.ObserveInt64(evictions, s.EvictedTenant, tenant)
		o.ObserveInt64(refused, s.DroppedNew, self)
		return nil
	}, entries, bytes, evictions, refused)
	if err != nil {
		return nil, fmt.Errorf("observe store: %w", err)
	}
	return reg, nil
}
