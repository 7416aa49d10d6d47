package obfuscate

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// NewFactory returns the factory of the obfuscate processor.
func NewFactory() processor.Factory {
	f := &factory{sharedcomponent.New[*Config, *engine](sharedcomponent.StopAtLast)}
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(f.createTraces, metadata.TracesStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability),
		processor.WithMetrics(f.createMetrics, metadata.MetricsStability))
}

type factory struct {
	engines *sharedcomponent.Map[*Config, *engine]
}

// engine returns the one instance of a configuration, and the options that start and stop it.
func (f *factory) engine(set processor.Settings, cfg component.Config) (*engine, []processorhelper.Option, error) {
	h, err := f.engines.Get(cfg.(*Config), func() (*engine, error) { return newEngine(set, cfg.(*Config)) })
	if err != nil {
		return nil, nil, err
	}
	return h.Instance(), []processorhelper.Option{
		processorhelper.WithStart(h.Start),
		processorhelper.WithShutdown(h.Shutdown),
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}),
	}, nil
}

func (f *factory) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	e, options, err := f.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, e.processTraces, options...)
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	e, options, err := f.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, e.processLogs, options...)
}

func (f *factory) createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	e, options, err := f.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, e.processMetrics, options...)
}
