package ddsampler

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/metadata"
)

// NewFactory returns the factory of the dd_sampler processor.
func NewFactory() processor.Factory {
	f := &factory{instances{users: map[*Config]*shared{}}}
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(f.createTraces, metadata.TracesStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability))
}

type factory struct{ instances instances }

func (f *factory) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	s, release, err := f.instances.acquire(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, newTraceSampler(s, cfg.(*Config)).processTraces,
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}), processorhelper.WithShutdown(release))
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	if c.Logs == logsKeep {
		return processorhelper.NewLogs(ctx, set, cfg, next, passLogs, processorhelper.WithCapabilities(consumer.Capabilities{}))
	}
	s, release, err := f.instances.acquire(set, c)
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, newLogSampler(s, c).processLogs,
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}), processorhelper.WithShutdown(release))
}
