package datadogreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// receivers holds one receiver, with one listener, for each component id, which may be in a traces and a metrics pipeline.
var receivers = sharedcomponent.New[*Config, *datadogReceiver](sharedcomponent.StopAtFirst)

// NewFactory returns the factory of the datadog receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig,
		receiver.WithTraces(createTraces, metadata.TracesStability),
		receiver.WithMetrics(createMetrics, metadata.MetricsStability))
}

func get(set receiver.Settings, cfg component.Config) (*sharedcomponent.Handle[*datadogReceiver], error) {
	return receivers.Get(cfg.(*Config), func() (*datadogReceiver, error) { return newReceiver(set, cfg.(*Config), admission.Default()) })
}

func createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	h, err := get(set, cfg)
	if err != nil {
		return nil, err
	}
	h.Instance().traces = next
	return h, nil
}

func createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	h, err := get(set, cfg)
	if err != nil {
		return nil, err
	}
	h.Instance().metrics = next
	return h, nil
}
