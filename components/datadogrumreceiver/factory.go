package datadogrumreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

var componentType = component.MustNewType("datadog_rum")

// NewFactory returns the factory of the datadog_rum receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(componentType, createDefaultConfig,
		receiver.WithTraces(createTraces, component.StabilityLevelAlpha),
		receiver.WithLogs(createLogs, component.StabilityLevelAlpha),
		receiver.WithMetrics(createMetrics, component.StabilityLevelAlpha))
}

// shared finds the receiver of a configuration. The collector gives the same
// *Config to the create functions of one component id, and one id is one port.
var shared sync.Map // *Config -> *rum

func sharedRUM(set receiver.Settings, cfg component.Config) (*rum, error) {
	key := cfg.(*Config)
	if r, ok := shared.Load(key); ok {
		return r.(*rum), nil
	}
	r, err := newRUM(set, key)
	if err != nil {
		return nil, err
	}
	first, _ := shared.LoadOrStore(key, r)
	return first.(*rum), nil
}

func createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
	r, err := sharedRUM(set, cfg)
	if err == nil {
		r.traces = next
	}
	return r, err
}

func createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	r, err := sharedRUM(set, cfg)
	if err == nil {
		r.logs = next
	}
	return r, err
}

func createMetrics(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
	r, err := sharedRUM(set, cfg)
	if err == nil {
		r.metrics = next
	}
	return r, err
}
