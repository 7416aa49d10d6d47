package datadogrumreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// NewFactory returns the factory of the datadog_rum receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig,
		receiver.WithTraces(createTraces, metadata.TracesStability),
		receiver.WithLogs(createLogs, metadata.LogsStability),
		receiver.WithMetrics(createMetrics, metadata.MetricsStability))
}

// receivers finds the receiver of a configuration: one id is one port.
var receivers = sharedcomponent.New[*Config, *rum](sharedcomponent.StopAtFirst)

func shared(set receiver.Settings, cfg component.Config) (*sharedcomponent.Handle[*rum], error) {
	return receivers.Get(cfg.(*Config), func() (*rum, error) { return newRUM(set, cfg.(*Config)) })
}

func createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	h, err := shared(set, cfg)
	if err != nil {
		return nil, err
	}
	h.Instance().out.traces = next
	return h, nil
}

func createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	h, err := shared(set, cfg)
	if err != nil {
		return nil, err
	}
	h.Instance().out.logs = next
	return h, nil
}

func createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	h, err := shared(set, cfg)
	if err != nil {
		return nil, err
	}
	h.Instance().out.metrics = next
	return h, nil
}
