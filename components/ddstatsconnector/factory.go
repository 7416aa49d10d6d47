package ddstatsconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/otelcol-obs/otelcol-obs/components/ddstatsconnector/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

var instances = sharedcomponent.New[*Config, *statistics](sharedcomponent.StopAtFirst)

// NewFactory returns the factory of the dd_stats connector.
func NewFactory() connector.Factory {
	return connector.NewFactory(metadata.Type, createDefaultConfig,
		connector.WithTracesToTraces(createTraces, metadata.TracesToTracesStability),
		connector.WithTracesToMetrics(createMetrics, metadata.TracesToMetricsStability))
}

func get(set connector.Settings, cfg *Config) (*sharedcomponent.Handle[*statistics], error) {
	return instances.Get(cfg, func() (*statistics, error) { return newStatistics(set, cfg) })
}

func createTraces(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Traces) (connector.Traces, error) {
	h, err := get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	h.Instance().traces = next
	return &toTraces{Handle: h}, nil
}

func createMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
	h, err := get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	h.Instance().metrics = next
	return &toMetrics{Handle: h}, nil
}
