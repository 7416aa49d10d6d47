package rumlinkprocessor

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
)

// logProcessor joins the logs of one pipeline.
type logProcessor struct {
	linker  logLinker
	next    consumer.Logs
	batches sync.Pool // of *logBatch
	counts  bool
	member
}

func newLogProcessor(set processor.Settings, cfg *Config, next consumer.Logs) (*logProcessor, error) {
	copies, err := enrich.NewCopies(cfg.Logs.Copy)
	if err != nil {
		return nil, err
	}
	p := &logProcessor{next: next, counts: cfg.Spans.Counts || cfg.Spans.Events.MaxPerSpan > 0}
	if p.member, err = newMember(set, cfg, pipeline.SignalLogs, cfg.Logs.Wait, cfg.Logs.MaxWaitBytes, p.release); err != nil {
		return nil, err
	}
	p.batches.New = func() any { return &logBatch{prints: p.index.NewFingerprints()} }
	p.linker = logLinker{
		index:        p.index,
		copies:       copies,
		rule:         newEventRule(cfg),
		canonicalize: cfg.IDs.Canonicalize,
		markNoID:     cfg.Logs.MarkNoID,
		waitForSpan:  cfg.Logs.WaitFor == waitUnknownSpan,
		maxRunes:     cfg.MaxValueLength,
	}
	return p, nil
}

func newEventRule(cfg *Config) enrich.EventRule {
	least, _ := severityNumber(cfg.Spans.Events.MinSeverity) // checked at start
	return enrich.EventRule{
		Least:    least,
		Names:    cfg.Spans.Events.EventNames,
		Most:     cfg.Spans.Events.MaxPerSpan,
		MaxRunes: cfg.MaxValueLength,
	}
}

func (p *logProcessor) start(ctx context.Context, host component.Host) error {
	if p.wait != nil {
		p.addQueue(p.wait.queue)
	}
	return p.member.start(ctx, host, p.adopt)
}

// processLogs joins what can be joined now and takes out what should wait.
func (p *logProcessor) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	c := callOf(ctx, p)
	at := passing
	if p.wait != nil && c != nil {
		at = arriving
	}
	p.link(b, ld, at)
	if len(b.incomplete) > 0 {
		p.setAside(ctx, b, ld, c)
	}
	if c != nil {
		c.consumed = append(c.consumed, b.consumed...)
	}
	p.telemetry.add(ctx, &b.tally)
	if len(b.incomplete) > 0 && ld.ResourceLogs().Len() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

func (p *logProcessor) recycle(b *logBatch) {
	b.reset()
	p.batches.Put(b)
}

// link walks over all logs; those that should wait are in b.incomplete then.
func (p *logProcessor) link(b *logBatch, ld plog.Logs, at stage) {
	b.counts = p.counts && p.hasTraces.Load()
	for r, rl := range ld.ResourceLogs().All() {
		b.prints.Reset()
		src := p.linker.source(rl.Resource())
		for s, sl := range rl.ScopeLogs().All() {
			for i, lr := range sl.LogRecords().All() {
				if wants := p.linker.link(b, src, lr, at); wants != nil {
					b.incomplete = append(b.incomplete, parking.Incomplete{Resource: r, Scope: s, Record: i, Wants: wants})
				}
			}
		}
	}
}

// setAside packs logs that should wait and takes them out of ld, or, when there
// is no space for them, joins them as they are.
func (p *logProcessor) setAside(ctx context.Context, b *logBatch, ld plog.Logs, c *call) {
	items := parking.PackLogs(ctx, ld, b.incomplete)
	if p.wait.reserve(ctx, items) {
		c.items = items
		parking.TakeOut(ld, b.incomplete)
		return
	}
	for _, in := range b.incomplete {
		rl := ld.ResourceLogs().At(in.Resource)
		lr := rl.ScopeLogs().At(in.Scope).LogRecords().At(in.Record)
		p.linker.link(b, p.linker.source(rl.Resource()), lr, waited)
	}
}

// park begins the wait of items that have been promised space. If the storage
// fails, they are handed on at once, and the caller learns how that went.
func (p *logProcessor) park(ctx context.Context, items []*parking.Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := p.wait.park(ctx, items); err != nil {
		p.set.Logger.Error("Logs pass without waiting for their spans", zap.Error(err))
		return p.release(ctx, items)
	}
	// A span that came between the look-up and the parking has not seen them.
	for _, it := range items {
		for _, k := range it.Wants {
			if p.index.Knows(k) {
				p.wait.queue.Arrived(k)
			}
		}
	}
	return nil
}

// release joins logs that have waited and hands them on.
func (p *logProcessor) release(ctx context.Context, items []*parking.Item) error {
	ld, err := parking.UnpackLogs(items)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	p.link(b, ld, waited)
	if err := p.next.ConsumeLogs(parking.ClientContext(ctx, items), ld); err != nil {
		return err
	}
	p.index.Forget(b.consumed)
	p.telemetry.add(ctx, &b.tally)
	return nil
}

// adopt makes waiting logs of an earlier process known, as if they came now.
func (p *logProcessor) adopt(it *parking.Item) error {
	ld, err := parking.UnpackLogs([]*parking.Item{it})
	if err != nil {
		return err
	}
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	p.link(b, ld, arriving)
	it.Ready = len(b.incomplete) == 0
	for _, in := range b.incomplete {
		it.Wants = in.Wants // the same for all of one item
	}
	return nil
}
