package ddpropagation

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/metadata"
)

var (
	capabilities = consumer.Capabilities{MutatesData: true}
)

// NewFactory returns the factory of the dd_propagation processor.
func NewFactory() processor.Factory {
	f := &factory{caches: sharedCaches{caches: map[*Config]*sharedCache{}}}
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(f.createTraces, metadata.TracesStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability))
}

type factory struct {
	caches sharedCaches
}

func (f *factory) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	c := cfg.(*Config)
	if c.Mode == modeToDatadog {
		return nil, errors.New("mode to_datadog is for logs: on spans the Datadog exporter writes Datadog's ids itself")
	}
	cache, release, err := f.caches.acquire(set, c)
	if err != nil {
		return nil, err
	}
	p, err := newTraceProcessor(set, c, cache)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, p.processTraces,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithShutdown(func(context.Context) error { return release() }))
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	if c.Mode == modeToDatadog {
		p, err := newDatadogWriter(set, c)
		if err != nil {
			return nil, err
		}
		return processorhelper.NewLogs(ctx, set, cfg, next, p.processLogs, processorhelper.WithCapabilities(capabilities))
	}
	var shared *cache
	release := func() error { return nil }
	if c.TraceIDCache.ShareWithLogs {
		var err error
		if shared, release, err = f.caches.acquire(set, c); err != nil {
			return nil, err
		}
	}
	p, err := newLogProcessor(set, c, shared)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, p.processLogs,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithShutdown(func(context.Context) error { return release() }))
}
