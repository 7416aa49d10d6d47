package durablestorage

import (
	"context"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	scopeName = "github.com/otelcol-obs/otelcol-obs/components/durablestorage"
	prefix    = "otelcol_extension_durable_storage_"
)

// telemetry holds the instruments; queueTelemetry adds to them for one queue.
type telemetry struct {
	extension attribute.KeyValue

	refused, recovered, salvaged, corrupt, setAside, unreadable, missing, failed metric.Int64Counter
	registration                                                                 metric.Registration
}

func newTelemetry(set extension.Settings, observe func(func(q *queueTelemetry, file, live, limit int64)), unclaimed func() int64) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{extension: attribute.String("extension", set.ID.String())}
	var firstErr error
	counter := func(name, unit, text string) metric.Int64Counter {
		c, err := meter.Int64Counter(prefix+name, metric.WithUnit(unit), metric.WithDescription(text))
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return c
	}
	t.refused = counter("refused_puts", "{request}", "Requests that were not taken, by reason: disk_full, max_bytes or error. Their senders were told.")
	t.recovered = counter("recovered_requests", "{request}", "Requests that were in flight when the process ended, or lost from the queue's metadata, and were put back at start.")
	t.salvaged = counter("salvaged_requests", "{request}", "Intact requests that were brought over from a damaged file.")
	t.corrupt = counter("corrupt_requests", "{request}", "Requests found damaged in a damaged file. They remain in the file set aside.")
	t.setAside = counter("set_aside_files", "{file}", "Damaged queue files that were renamed.")
	t.unreadable = counter("unreadable_requests", "{request}", "Requests that could not be read now. They are kept for the next start.")
	t.missing = counter("missing_requests", "{request}", "Places in the queue without a request, left by refused puts and recovery.")
	t.failed = counter("failed_commits", "{commit}", "Commits of read marks and deletes that failed and are tried again.")

	var gauges [3]metric.Int64ObservableGauge
	for i, g := range []struct{ name, text string }{
		{"file_bytes", "Size of a queue's file."},
		{"live_bytes", "Bytes of the file in use by queued requests, rounded up to pages."},
		{"limit_bytes", "Live bytes from which puts are refused."},
	} {
		var err error
		if gauges[i], err = meter.Int64ObservableGauge(prefix+g.name, metric.WithUnit("By"), metric.WithDescription(g.text)); err != nil {
			return nil, err
		}
	}
	if firstErr != nil {
		return nil, firstErr
	}
	orphans, err := meter.Int64ObservableGauge(prefix+"unclaimed_files", metric.WithUnit("{file}"), metric.WithDescription("Queue files that no exporter opened at start."))
	if err != nil {
		return nil, err
	}
	self := metric.WithAttributeSet(attribute.NewSet(t.extension))
	t.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		observe(func(q *queueTelemetry, file, live, limit int64) {
			o.ObserveInt64(gauges[0], file, q.self)
			o.ObserveInt64(gauges[1], live, q.self)
			o.ObserveInt64(gauges[2], limit, q.self)
		})
		o.ObserveInt64(orphans, unclaimed(), self)
		return nil
	}, gauges[0], gauges[1], gauges[2], orphans)
	return t, err
}

func (t *telemetry) shutdown() error { return t.registration.Unregister() }

type queueTelemetry struct {
	*telemetry
	self                             metric.MeasurementOption
	diskFull, maxBytes, refusedError metric.MeasurementOption
}

func (t *telemetry) forQueue(queue string) *queueTelemetry {
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(more, t.extension, attribute.String("queue", queue))...))
	}
	return &queueTelemetry{
		telemetry:    t,
		self:         with(),
		diskFull:     with(attribute.String("reason", "disk_full")),
		maxBytes:     with(attribute.String("reason", "max_bytes")),
		refusedError: with(attribute.String("reason", "error")),
	}
}

func (q *queueTelemetry) add(c metric.Int64Counter, n int64) {
	if n != 0 {
		c.Add(context.Background(), n, q.self)
	}
}

func (q *queueTelemetry) refuse(reason metric.MeasurementOption) {
	q.refused.Add(context.Background(), 1, reason)
}
