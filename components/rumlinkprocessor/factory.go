package rumlinkprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
)

var capabilities = consumer.Capabilities{MutatesData: true}

// NewFactory returns the factory of the rum_link processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
		processor.WithLogs(createLogs, metadata.LogsStability))
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	p, err := newSpanProcessor(set, cfg.(*Config), next)
	if err != nil {
		return nil, err
	}
	return p.processor(ctx)
}

func (p *spanProcessor) processor(ctx context.Context) (processor.Traces, error) {
	inner, err := processorhelper.NewTraces(ctx, p.set, p.cfg, p.next, p.processTraces,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(p.start),
		processorhelper.WithShutdown(p.shutdown))
	if err != nil || !p.index.Consumes() {
		return inner, err
	}
	return &tracesThenForget{inner, p}, nil
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	p, err := newLogProcessor(set, cfg.(*Config), next)
	if err != nil {
		return nil, err
	}
	return p.processor(ctx)
}

func (p *logProcessor) processor(ctx context.Context) (processor.Logs, error) {
	inner, err := processorhelper.NewLogs(ctx, p.set, p.cfg, p.next, p.processLogs,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(p.start),
		processorhelper.WithShutdown(p.shutdown))
	if err != nil || p.wait == nil && !p.index.Consumes() {
		return inner, err
	}
	return &logsThenPark{inner, p}, nil
}

// tracesThenForget forgets used-up keys when the next consumer has accepted the
// spans that used them: a batch that is sent again finds them again.
type tracesThenForget struct {
	processor.Traces
	p *spanProcessor
}

func (t *tracesThenForget) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	ctx, c := withCall(ctx, t.p)
	if err := t.Traces.ConsumeTraces(ctx, td); err != nil {
		return err
	}
	t.p.index.Forget(c.consumed)
	return nil
}

// logsThenPark does what may only be done when the next consumer has accepted
// the logs that need not wait: a refused batch stays with its sender as a whole.
type logsThenPark struct {
	processor.Logs
	p *logProcessor
}

func (l *logsThenPark) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	ctx, c := withCall(ctx, l.p)
	if err := l.Logs.ConsumeLogs(ctx, ld); err != nil {
		if l.p.wait != nil {
			l.p.wait.queue.Unreserve(c.items)
		}
		return err
	}
	l.p.index.Forget(c.consumed)
	return l.p.park(ctx, c.items)
}
