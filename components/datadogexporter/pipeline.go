package datadogexporter

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

var cores = sharedcomponent.New[*Config, *core](sharedcomponent.StopAtLast)

// pipeline is what each signal has: its part in the core.
type pipeline struct {
	handle *sharedcomponent.Handle[*core]
	core   *core
}

func newPipeline(set exporter.Settings, cfg *Config) (*pipeline, error) {
	handle, err := cores.Get(cfg, func() (*core, error) { return newCore(set, cfg) })
	if err != nil {
		return nil, err
	}
	return &pipeline{handle: handle, core: handle.Instance()}, nil
}

// options are those of each signal's queue. Every request has its own timeout, a batch has none.
func (p *pipeline) options(start component.StartFunc) []exporterhelper.Option {
	return []exporterhelper.Option{
		exporterhelper.WithStart(start),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
		exporterhelper.WithRetry(p.core.cfg.BackOff),
		exporterhelper.WithQueue(p.core.cfg.Queue),
	}
}

func (p *pipeline) start(ctx context.Context, host component.Host, queue component.Component) error {
	if err := p.handle.Start(ctx, host); err != nil {
		return err
	}
	return queue.Start(ctx, host)
}

func (p *pipeline) shutdown(ctx context.Context, queue component.Component) error {
	p.core.stopping()
	err := queue.Shutdown(ctx)
	return cmp.Or(err, p.handle.Shutdown(ctx))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
