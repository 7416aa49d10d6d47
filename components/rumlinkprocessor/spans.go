package rumlinkprocessor

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
)

// spanProcessor joins the spans of one pipeline.
type spanProcessor struct {
	linker  spanLinker
	next    consumer.Traces
	batches sync.Pool // of *spanBatch
	member
}

func newSpanProcessor(set processor.Settings, cfg *Config, next consumer.Traces) (p *spanProcessor, err error) {
	p = &spanProcessor{next: next}
	if p.member, err = newMember(set, cfg, pipeline.SignalTraces, cfg.Spans.Wait, cfg.Spans.MaxWaitBytes, p.release); err != nil {
		return nil, err
	}
	p.batches.New = func() any { return newSpanBatch() }
	p.linker = spanLinker{
		index:    p.index,
		arrived:  p.arrived,
		counts:   cfg.Spans.Counts,
		rum:      cfg.Spans.RUM,
		maxRunes: cfg.MaxValueLength,
	}
	return p, nil
}

func (p *spanProcessor) start(ctx context.Context, host component.Host) error {
	return p.member.start(ctx, host, p.adopt)
}

// processTraces first makes the whole batch known, then enriches it, so that
// the order of spans within a batch decides nothing.
func (p *spanProcessor) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	b := p.batch()
	defer p.recycle(b)
	p.linker.learn(b, td)
	if p.wait != nil && td.SpanCount() > 0 && p.park(ctx, td) {
		p.telemetry.add(ctx, &b.tally)
		return td, processorhelper.ErrSkipProcessingData
	}
	p.linker.enrich(b, td)
	p.telemetry.add(ctx, &b.tally)
	if c := callOf(ctx, p); c != nil {
		c.consumed = append(c.consumed, b.consumed...)
	}
	return td, nil
}

func (p *spanProcessor) batch() *spanBatch {
	b := p.batches.Get().(*spanBatch)
	b.logs = p.hasLogs.Load()
	return b
}

func (p *spanProcessor) recycle(b *spanBatch) {
	b.reset()
	p.batches.Put(b)
}

// park holds a batch of spans back for its logs and reports whether it could.
func (p *spanProcessor) park(ctx context.Context, td ptrace.Traces) bool {
	items := []*parking.Item{parking.PackSpans(ctx, td)}
	if !p.wait.reserve(ctx, items) {
		return false
	}
	if err := p.wait.park(ctx, items); err != nil {
		p.set.Logger.Error("Spans pass without waiting for their logs", zap.Error(err))
		return false
	}
	return true
}

// release enriches spans that have waited and hands them on.
func (p *spanProcessor) release(ctx context.Context, items []*parking.Item) error {
	td, err := parking.UnpackSpans(items)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	b := p.batch()
	defer p.recycle(b)
	p.linker.enrich(b, td)
	if err := p.next.ConsumeTraces(parking.ClientContext(ctx, items), td); err != nil {
		return err
	}
	p.index.Forget(b.consumed)
	p.telemetry.add(ctx, &b.tally)
	return nil
}

// adopt makes waiting spans of an earlier process known again.
func (p *spanProcessor) adopt(it *parking.Item) error {
	td, err := parking.UnpackSpans([]*parking.Item{it})
	if err != nil {
		return err
	}
	b := p.batch()
	defer p.recycle(b)
	p.linker.learn(b, td)
	return nil
}
