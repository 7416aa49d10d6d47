package rumlinkprocessor

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

const (
	linkPrefix     = "trace_link"
	attrLinked     = "trace_linked"
	attrMethod     = "trace_link.method"
	attrMissReason = "trace_link.miss_reason"
	attrKey        = "trace_link.key"
)

// logLinker joins the logs of one pipeline.
type logLinker struct {
	cfg     *Config
	join    *join
	next    consumer.Logs
	copies  copySet
	rule    eventRule
	counts  bool
	parses  bool
	batches sync.Pool // of *logBatch
	telemetry
	*waiting
	set     processor.Settings
	started bool
}

// logBatch is the scratch space of one batch.
type logBatch struct {
	tally
	prints   fingerprints
	strays   []stray
	consumed []store.Key
}

func newLogLinker(set processor.Settings, cfg *Config, next consumer.Logs) (*logLinker, error) {
	tel, err := newTelemetry(set, "logs")
	if err != nil {
		return nil, err
	}
	copies, err := newCopySet(cfg.Logs.Copy)
	if err != nil {
		return nil, err
	}
	p := &logLinker{
		cfg:       cfg,
		join:      cfg.shared.get(cfg),
		next:      next,
		set:       set,
		copies:    copies,
		rule:      newEventRule(cfg),
		counts:    cfg.Spans.Counts || cfg.Spans.Events.MaxPerSpan > 0,
		parses:    cfg.IDs.ParseAttributes || cfg.IDs.ParseBody,
		telemetry: tel,
	}
	if cfg.Logs.Wait > 0 {
		tel, err := newWaitTelemetry(set, "logs")
		if err != nil {
			return nil, err
		}
		room := newRoom(cfg.Logs.Wait, cfg.Logs.MaxWaitBytes, p.join.now, p.release, tel, set.Logger)
		p.waiting = &waiting{room: room, signal: "logs", cfg: cfg, set: set}
	}
	p.batches.New = func() any { return &logBatch{prints: newFingerprints(p.join.seed)} }
	return p, nil
}

func (p *logLinker) start(ctx context.Context, host component.Host) error {
	if err := p.cfg.shared.start(p.set, p.cfg.Store.TTL); err != nil {
		return err
	}
	p.started = true
	if p.waiting == nil {
		return nil
	}
	p.join.addRoom(p.room)
	return p.waiting.start(ctx, host, p.adopt)
}

func (p *logLinker) shutdown(ctx context.Context) (err error) {
	if p.waiting != nil {
		err = p.waiting.shutdown(ctx)
	}
	if p.started {
		err = errors.Join(err, p.cfg.shared.shutdown())
		p.started = false
	}
	return err
}

func (p *logLinker) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	c := callOf(ctx, p)
	at := passing
	if p.waiting != nil && c != nil {
		at = arriving
	}
	for r, rl := range ld.ResourceLogs().All() {
		b.prints.reset()
		src := p.source(rl.Resource())
		for s, sl := range rl.ScopeLogs().All() {
			for i, lr := range sl.LogRecords().All() {
				if wants := p.link(b, src, lr, at); wants != nil {
					b.strays = append(b.strays, stray{resource: r, scope: s, record: i, src: src, wants: wants})
				}
			}
		}
	}
	if len(b.strays) > 0 {
		p.setAside(ctx, b, ld, b.strays, c)
	}
	if c != nil {
		c.consumed = append(c.consumed, b.consumed...)
	}
	p.add(ctx, &b.tally)
	if len(b.strays) > 0 && ld.ResourceLogs().Len() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

func (p *logLinker) recycle(b *logBatch) {
	b.tally = tally{}
	b.prints.reset()
	clear(b.strays)
	b.strays, b.consumed = b.strays[:0], b.consumed[:0]
	p.batches.Put(b)
}

// source is what all logs of a resource have in common.
type source struct {
	tenant     uint64
	hasService bool
}

func (p *logLinker) source(resource pcommon.Resource) source {
	_, hasService := resource.Attributes().Get(attrService)
	return source{tenant: p.join.tenantOf(resource), hasService: hasService}
}
