package ddsampler

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// NewFactory returns the factory of the dd_sampler processor.
func NewFactory() processor.Factory {
	f := &factory{sharedcomponent.New[*Config, *shared](sharedcomponent.StopAtLast)}
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(f.createTraces, metadata.TracesStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability))
}

type factory struct {
	instances *sharedcomponent.Map[*Config, *shared]
}

// shared returns what the pipelines of a configuration have together, and the options that start and stop it.
func (f *factory) shared(set processor.Settings, cfg component.Config) (*shared, []processorhelper.Option, error) {
	h, err := f.instances.Get(cfg.(*Config), func() (*shared, error) { return newShared(set, cfg.(*Config)) })
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
	s, options, err := f.shared(set, cfg)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, newTraceSampler(s, cfg.(*Config)).processTraces, options...)
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	if c.Logs == logsKeep {
		return processorhelper.NewLogs(ctx, set, cfg, next, passLogs, processorhelper.WithCapabilities(consumer.Capabilities{}))
	}
	s, options, err := f.shared(set, c)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, newLogSampler(s, c).processLogs, options...)
}
