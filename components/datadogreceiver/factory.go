package datadogreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

var componentType = component.MustNewType("datadog")

// NewFactory returns the factory of the datadog receiver.
func NewFactory() receiver.Factory {
	f := &shared{}
	return receiver.NewFactory(componentType, createDefaultConfig,
		receiver.WithTraces(f.createTraces, component.StabilityLevelBeta),
		receiver.WithMetrics(f.createMetrics, component.StabilityLevelBeta))
}

// shared holds the receivers by configuration: a component id in a traces and a metrics pipeline is one receiver with one listener,
// and the collector hands both the same pointer.
type shared struct{ receivers sync.Map }

func (s *shared) get(set receiver.Settings, cfg *Config) (*datadogReceiver, error) {
	if r, ok := s.receivers.Load(cfg); ok {
		return r.(*datadogReceiver), nil
	}
	r, err := newReceiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.forget = func() { s.receivers.Delete(cfg) }
	actual, _ := s.receivers.LoadOrStore(cfg, r)
	return actual.(*datadogReceiver), nil
}

func (s *shared) createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	r, err := s.get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	r.traces = next
	return r, nil
}

func (s *shared) createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	r, err := s.get(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	r.metrics = next
	return r, nil
}
