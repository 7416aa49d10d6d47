package rumlinkprocessor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// gather is how long released data may wait for more that is released.
var gather = 50 * time.Millisecond

// member is what the processors of both signals have in common.
type member struct {
	*shared
	handle    *sharedcomponent.Handle[*shared]
	set       processor.Settings
	telemetry *telemetry
	wait      *waiting // nil when nothing waits
}

func newMember(set processor.Settings, cfg *Config, signal pipeline.Signal, wait time.Duration, maxBytes int64, send func(context.Context, []*parking.Item) error) (m member, err error) {
	m = member{set: set}
	if m.handle, err = instanceOf(set, cfg); err != nil {
		return m, err
	}
	m.shared = m.handle.Instance()
	m.standsIn(signal)
	if m.telemetry, err = newTelemetry(set, signal); err != nil || wait == 0 {
		return m, err
	}
	m.wait, err = newWaiting(set, m.shared, signal, parking.Config{Wait: wait, Gather: gather, MaxBytes: maxBytes, Now: m.index.Now, Send: send})
	return m, err
}

// start takes up what an earlier process left waiting and begins to hand on.
func (m *member) start(ctx context.Context, host component.Host, adopt func(*parking.Item) error) error {
	if err := m.handle.Start(ctx, host); err != nil || m.wait == nil {
		return err
	}
	return m.wait.start(ctx, host, adopt)
}

// shutdown may follow a start that failed half-way.
func (m *member) shutdown(ctx context.Context) (err error) {
	if m.wait != nil {
		err = m.wait.shutdown(ctx)
	}
	return errors.Join(err, m.handle.Shutdown(ctx))
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
