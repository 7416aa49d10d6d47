package rumlinkprocessor

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
)

// pipeline is what the processors of both signals have in common.
type pipeline struct {
	cfg       *Config
	set       processor.Settings
	telemetry *telemetry
	wait      *waiting // nil when nothing waits
	started   bool
}

func newPipeline(set processor.Settings, cfg *Config, signal string, wait time.Duration, maxBytes int64, send func(context.Context, []*parking.Item) error) (p pipeline, err error) {
	p = pipeline{cfg: cfg, set: set}
	if p.telemetry, err = newTelemetry(set, signal); err != nil {
		return p, err
	}
	if wait > 0 {
		p.wait, err = newWaiting(set, cfg, signal, parking.Config{Wait: wait, MaxBytes: maxBytes, Now: cfg.shared.indexFor(cfg).Now, Send: send})
	}
	return p, err
}

// start takes up what an earlier process left waiting and begins to hand on.
func (p *pipeline) start(ctx context.Context, host component.Host, adopt func(*parking.Item) error) error {
	if err := p.cfg.shared.start(p.set, p.cfg.Store.TTL); err != nil {
		return err
	}
	p.started = true
	if p.wait == nil {
		return nil
	}
	return p.wait.start(ctx, host, adopt)
}

// shutdown may follow a start that failed half-way.
func (p *pipeline) shutdown(ctx context.Context) (err error) {
	if p.wait != nil {
		err = p.wait.shutdown(ctx)
	}
	if p.started {
		p.cfg.shared.shutdown()
		p.started = false
	}
	return err
}

// call is what one Consume call leaves to be done once the next consumer has
// accepted the rest of its data. It goes with the context from the outermost
// consumer, through processorhelper, to the processor.
type call struct {
	items    []*parking.Item
	consumed []index.EntryKey
}

// withCall files the call under its processor, a pointer: the context goes on to
// the next consumer, which may be of this type too.
func withCall(ctx context.Context, p any) (context.Context, *call) {
	c := new(call)
	return context.WithValue(ctx, p, c), c
}

func callOf(ctx context.Context, p any) *call {
	c, _ := ctx.Value(p).(*call)
	return c
}
