// Package otlpgrpc is the otlp_grpc exporter: core's type and configuration, wire
// bytes in the queue.
package otlpgrpc

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/xexporter"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/queued"
)

// core makes what is not done here.
var core = otlpexporter.NewFactory().(xexporter.Factory)

// NewFactory returns the factory of otlp_grpc, alias otlp.
func NewFactory() exporter.Factory {
	return xexporter.NewFactory(core.Type(), core.CreateDefaultConfig,
		xexporter.WithDeprecatedTypeAlias(component.MustNewType("otlp")),
		xexporter.WithTraces(createTraces, core.TracesStability()),
		xexporter.WithLogs(createLogs, core.LogsStability()),
		xexporter.WithMetrics(createMetrics, core.MetricsStability()),
		xexporter.WithProfiles(core.CreateProfiles, core.ProfilesStability()))
}

func createTraces(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Traces, error) {
	return newExporter(config, set, tracesSignal).queued().Traces(ctx, set)
}

func createLogs(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	return newExporter(config, set, logsSignal).queued().Logs(ctx, set)
}

func createMetrics(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Metrics, error) {
	return newExporter(config, set, metricsSignal).queued().Metrics(ctx, set)
}

func (e *grpcExporter) queued() queued.Exporter {
	client := &e.cfg.ClientConfig
	return queued.Exporter{
		Queue:      e.cfg.QueueConfig,
		KeepClient: queued.NeedsClient(client.Auth.HasValue(), client.Middlewares),
		Send:       e.send,
		Options: []exporterhelper.Option{
			exporterhelper.WithStart(e.start),
			exporterhelper.WithShutdown(e.shutdown),
			exporterhelper.WithTimeout(e.cfg.TimeoutConfig),
			exporterhelper.WithRetry(e.cfg.RetryConfig),
			exporterhelper.WithAttrs(endpointAttributes(client.Endpoint)...),
		},
	}
}

// endpointAttributes are core's: what the exporter's own metrics say of the endpoint.
func endpointAttributes(endpoint string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return []attribute.KeyValue{attribute.String("server.address", endpoint)}
	}
	attrs := []attribute.KeyValue{attribute.String("server.address", host)}
	if number, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, attribute.Int("server.port", number))
	}
	return attrs
}
