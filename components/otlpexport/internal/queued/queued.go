// Package queued wires exporterhelper's queue, batcher and retries to an exporter
// that sends wire bytes.
package queued

import (
	"context"
	"slices"

	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// NeedsClient reports whether a client may send something of whoever sent the data:
// an authenticator or a middleware can take headers from there. The retry policy
// looks at answers alone.
func NeedsClient(authenticates bool, middlewares []configmiddleware.Config) bool {
	return authenticates || slices.ContainsFunc(middlewares, func(m configmiddleware.Config) bool {
		return m.ID.Type().String() != "retry_policy"
	})
}

// Exporter is one signal's way out.
type Exporter struct {
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig]
	// KeepClient: the client's address and metadata are needed when sending.
	KeepClient bool
	Send       func(context.Context, *wire.Request) error
	// Options are exporterhelper's, without the queue.
	Options []exporterhelper.Option
}

// Traces returns the exporter of spans.
func (e Exporter) Traces(ctx context.Context, set exporter.Settings) (exporter.Traces, error) {
	next, err := xexporterhelper.NewTracesRequest(ctx, set, e.converter().Traces, e.push, e.options(otlpwire.Traces)...)
	if err != nil {
		return nil, err
	}
	return traces{next, batches(next)}, nil
}

// Logs returns the exporter of log records.
func (e Exporter) Logs(ctx context.Context, set exporter.Settings) (exporter.Logs, error) {
	next, err := xexporterhelper.NewLogsRequest(ctx, set, e.converter().Logs, e.push, e.options(otlpwire.Logs)...)
	if err != nil {
		return nil, err
	}
	return logs{next, batches(next)}, nil
}

// Metrics returns the exporter of data points.
func (e Exporter) Metrics(ctx context.Context, set exporter.Settings) (exporter.Metrics, error) {
	next, err := xexporterhelper.NewMetricsRequest(ctx, set, e.converter().Metrics, e.push, e.options(otlpwire.Metrics)...)
	if err != nil {
		return nil, err
	}
	return metrics{next, batches(next)}, nil
}

func (e Exporter) push(ctx context.Context, req xexporterhelper.Request) error {
	return e.Send(ctx, req.(*wire.Request))
}

// converter keeps the client also where batches are cut by its metadata.
func (e Exporter) converter() wire.Converter {
	keep := e.KeepClient
	if q := e.Queue; q.HasValue() && q.Get().Batch.HasValue() {
		keep = keep || len(q.Get().Batch.Get().Partition.MetadataKeys) > 0
	}
	return wire.Converter{KeepClient: keep}
}

func (e Exporter) options(s *otlpwire.Signal) []exporterhelper.Option {
	queue := xexporterhelper.WithQueueBatch(e.Queue, xexporterhelper.QueueBatchSettings{Encoding: wire.Encoding{Signal: s}})
	return append(append([]exporterhelper.Option{}, e.Options...), queue)
}

// The data is encoded before Consume returns and never written to. exporterhelper
// says otherwise of everything that batches, and the fan-out would copy it for
// every further exporter.
type (
	traces struct {
		exporter.Traces
		batching
	}
	logs struct {
		exporter.Logs
		batching
	}
	metrics struct {
		exporter.Metrics
		batching
	}
	// batching answers the collector, which warns of a batch processor before an
	// exporter that batches itself.
	batching bool
)

func (traces) Capabilities() consumer.Capabilities  { return consumer.Capabilities{} }
func (logs) Capabilities() consumer.Capabilities    { return consumer.Capabilities{} }
func (metrics) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ExporterHelperBatchingEnabled reports whether the exporter batches.
func (b batching) ExporterHelperBatchingEnabled() bool { return bool(b) }

func batches(next any) batching {
	b, ok := next.(interface{ ExporterHelperBatchingEnabled() bool })
	return batching(ok && b.ExporterHelperBatchingEnabled())
}
