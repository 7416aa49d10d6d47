// Package otlphttp is the otlp_http exporter: core's type and configuration, wire
// bytes in the queue.
package otlphttp

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/exporter/xexporter"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/compress"
	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/queued"
)

// core makes what is not done here.
var core = otlphttpexporter.NewFactory().(xexporter.Factory)

// NewFactory returns the factory of otlp_http, alias otlphttp.
func NewFactory() exporter.Factory {
	return xexporter.NewFactory(core.Type(), core.CreateDefaultConfig,
		xexporter.WithDeprecatedTypeAlias(component.MustNewType("otlphttp")),
		xexporter.WithTraces(createTraces, core.TracesStability()),
		xexporter.WithLogs(createLogs, core.LogsStability()),
		xexporter.WithMetrics(createMetrics, core.MetricsStability()),
		xexporter.WithProfiles(core.CreateProfiles, core.ProfilesStability()))
}

func createTraces(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Traces, error) {
	cfg := config.(*otlphttpexporter.Config)
	if !ours(cfg) {
		return core.CreateTraces(ctx, set, config)
	}
	e, err := newExporter(cfg, set, signal{"traces", "dropped_spans", cfg.TracesEndpoint, tracesRejected})
	if err != nil {
		return nil, err
	}
	return e.queued().Traces(ctx, set)
}

func createLogs(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	cfg := config.(*otlphttpexporter.Config)
	if !ours(cfg) {
		return core.CreateLogs(ctx, set, config)
	}
	e, err := newExporter(cfg, set, signal{"logs", "dropped_log_records", cfg.LogsEndpoint, logsRejected})
	if err != nil {
		return nil, err
	}
	return e.queued().Logs(ctx, set)
}

func createMetrics(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Metrics, error) {
	cfg := config.(*otlphttpexporter.Config)
	if !ours(cfg) {
		return core.CreateMetrics(ctx, set, config)
	}
	e, err := newExporter(cfg, set, signal{"metrics", "dropped_data_points", cfg.MetricsEndpoint, metricsRejected})
	if err != nil {
		return nil, err
	}
	return e.queued().Metrics(ctx, set)
}

// ours reports whether a configuration asks for nothing that core does alone.
func ours(cfg *otlphttpexporter.Config) bool {
	return cfg.Encoding == otlphttpexporter.EncodingProto && compress.Supports(cfg.ClientConfig.Compression)
}

func (e *httpExporter) queued() queued.Exporter {
	client := &e.cfg.ClientConfig
	return queued.Exporter{
		Queue:      e.cfg.QueueConfig,
		KeepClient: queued.NeedsClient(client.Auth.HasValue(), client.Middlewares),
		Send:       e.send,
		Options: []exporterhelper.Option{
			exporterhelper.WithStart(e.start),
			exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}), // the client's own
			exporterhelper.WithRetry(e.cfg.RetryConfig),
			exporterhelper.WithAttrs(endpointAttributes(e.url)...),
		},
	}
}

// endpointAttributes are core's: what the exporter's own metrics say of the endpoint.
func endpointAttributes(u *url.URL) []attribute.KeyValue {
	attrs := []attribute.KeyValue{attribute.String("server.address", u.Hostname())}
	if u.Path != "" {
		attrs = append(attrs, attribute.String("url.path", u.Path))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		attrs = append(attrs, attribute.Int("server.port", port))
	}
	return attrs
}

// signalURL returns the signal's own endpoint, or the path of the specification
// behind the common one.
func signalURL(endpoint, own, name string) (*url.URL, error) {
	switch {
	case own != "":
		return parseURL(own, name+"_endpoint")
	case endpoint == "":
		return nil, missingEndpoint(name)
	}
	return parseURL(strings.TrimSuffix(endpoint, "/")+"/v1/"+name, "endpoint")
}
