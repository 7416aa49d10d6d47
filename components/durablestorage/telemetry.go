package durablestorage

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/metadata"
)

// sizes is what is observed of one queue.
type sizes struct {
	of                *queueTelemetry
	file, live, limit int64
}

// telemetry holds the instruments, which metadata.yaml describes; queueTelemetry
// adds to them for one queue.
type telemetry struct {
	extension attribute.KeyValue

	refused, recovered, salvaged, corrupt, setAside, unreadable, missing, missingSegments, failed metric.Int64Counter

	builder *metadata.TelemetryBuilder
}

func newTelemetry(set extension.Settings, queues func() []sizes, unclaimed func() int64) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		extension: attribute.String("extension", set.ID.String()),
		refused:   b.ExtensionDurableStorageRefusedPuts, recovered: b.ExtensionDurableStorageRecoveredRequests,
		salvaged: b.ExtensionDurableStorageSalvagedRequests, corrupt: b.ExtensionDurableStorageCorruptRequests,
		setAside: b.ExtensionDurableStorageSetAsideFiles, unreadable: b.ExtensionDurableStorageUnreadableRequests,
		missing: b.ExtensionDurableStorageMissingRequests, missingSegments: b.ExtensionDurableStorageMissingSegments, failed: b.ExtensionDurableStorageFailedCommits,
		builder: b,
	}
	self := metric.WithAttributeSet(attribute.NewSet(t.extension))
	each := func(value func(sizes) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			for _, q := range queues() {
				o.Observe(value(q), q.of.self)
			}
			return nil
		}
	}
	return t, errors.Join(
		b.RegisterExtensionDurableStorageFileBytesCallback(each(func(q sizes) int64 { return q.file })),
		b.RegisterExtensionDurableStorageLiveBytesCallback(each(func(q sizes) int64 { return q.live })),
		b.RegisterExtensionDurableStorageLimitBytesCallback(each(func(q sizes) int64 { return q.limit })),
		b.RegisterExtensionDurableStorageUnclaimedFilesCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(unclaimed(), self)
			return nil
		}))
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }

type queueTelemetry struct {
	*telemetry
	self                             metric.MeasurementOption
	diskFull, maxBytes, refusedError metric.MeasurementOption
}

func (t *telemetry) forQueue(queue string) *queueTelemetry {
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(more, t.extension, attribute.String("queue", queue))...))
	}
	q := &queueTelemetry{
		telemetry:    t,
		self:         with(),
		diskFull:     with(attribute.String("reason", "disk_full")),
		maxBytes:     with(attribute.String("reason", "max_bytes")),
		refusedError: with(attribute.String("reason", "error")),
	}
	// A counter that is there from the start shows its first event as an increase.
	for _, c := range []metric.Int64Counter{t.recovered, t.salvaged, t.corrupt, t.setAside, t.unreadable, t.missing, t.missingSegments, t.failed} {
		c.Add(context.Background(), 0, q.self)
	}
	for _, reason := range []metric.MeasurementOption{q.diskFull, q.maxBytes, q.refusedError} {
		q.refused.Add(context.Background(), 0, reason)
	}
	return q
}

func (q *queueTelemetry) add(c metric.Int64Counter, n int64) {
	if n != 0 {
		c.Add(context.Background(), n, q.self)
	}
}

func (q *queueTelemetry) refuse(reason metric.MeasurementOption) {
	q.refused.Add(context.Background(), 1, reason)
}
