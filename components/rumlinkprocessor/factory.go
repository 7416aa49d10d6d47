package rumlinkprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

var (
	componentType = component.MustNewType("rum_link")
	capabilities  = consumer.Capabilities{MutatesData: true}
)

// NewFactory returns the factory of the rum_link processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(componentType, createDefaultConfig,
		processor.WithTraces(createTraces, component.StabilityLevelAlpha),
		processor.WithLogs(createLogs, component.StabilityLevelAlpha))
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	p, err := newSpanLinker(set, cfg.(*Config), next)
	if err != nil {
		return nil, err
	}
	return p.processor(ctx, set)
}

func (p *spanLinker) processor(ctx context.Context, set processor.Settings) (processor.Traces, error) {
	inner, err := processorhelper.NewTraces(ctx, set, p.cfg, p.next, p.processTraces,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(p.start),
		processorhelper.WithShutdown(p.shutdown))
	if err != nil || !p.join.consumes() {
		return inner, err
	}
	return &tracesWithAfterwards{Traces: inner, linker: p}, nil
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	p, err := newLogLinker(set, cfg.(*Config), next)
	if err != nil {
		return nil, err
	}
	return p.processor(ctx, set)
}

func (p *logLinker) processor(ctx context.Context, set processor.Settings) (processor.Logs, error) {
	inner, err := processorhelper.NewLogs(ctx, set, p.cfg, p.next, p.processLogs,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(p.start),
		processorhelper.WithShutdown(p.shutdown))
	if err != nil || p.waiting == nil && !p.join.consumes() {
		return inner, err
	}
	return &logsWithAfterwards{Logs: inner, linker: p}, nil
}
