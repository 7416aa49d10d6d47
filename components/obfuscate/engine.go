package obfuscate

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/replace"
	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/roots"
	"github.com/otelcol-obs/otelcol-obs/internal/obfuscation"
)

// markKey is written on resources whose items have been through this processor.
const markKey = "otelcol_obs.obfuscated"

// engine is what the pipelines of one component id have together: what is remembered about texts, the rules and the counters.
type engine struct {
	texts        *obfuscation.Obfuscator
	rules        *replace.Rules
	filter       *roots.Filter
	removeStacks bool
	mode         string // written as mark; empty when none is
	skipMarked   bool

	hits      atomic.Int64
	telemetry *metadata.TelemetryBuilder
	self      []metric.AddOption
	outcomes  [obfuscation.SystemCount][obfuscation.OutcomeCount][]metric.AddOption
	filtered  [roots.RuleCount][]metric.AddOption
}

func newEngine(set processor.Settings, cfg *Config) (*engine, error) {
	rules, err := cfg.rules()
	if err != nil {
		return nil, err
	}
	filter, err := cfg.filter()
	if err != nil {
		return nil, err
	}
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &engine{rules: rules, filter: filter, removeStacks: cfg.RemoveStackTraces, skipMarked: cfg.SkipMarked, telemetry: builder}
	if cfg.Mark {
		e.mode = string(cfg.SQL.Mode)
	}
	e.texts = obfuscation.New(cfg.Config, func(hit bool) {
		if hit {
			e.hits.Add(1)
		}
	})
	id := attribute.String("processor", set.ID.String())
	self := metric.WithAttributeSet(attribute.NewSet(id))
	e.self = []metric.AddOption{self}
	for s := range obfuscation.SystemCount {
		for o := range obfuscation.OutcomeCount {
			e.outcomes[s][o] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(id,
				attribute.String("system", s.String()), attribute.String("outcome", o.String())))}
		}
	}
	for r := range roots.RuleCount {
		e.filtered[r] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(id, attribute.String("rule", r.String())))}
	}
	return e, builder.RegisterProcessorObfuscateCacheHitsCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(e.hits.Load(), self)
		return nil
	})
}

// Start implements component.Component.
func (*engine) Start(context.Context, component.Host) error { return nil }

// Shutdown implements component.Component.
func (e *engine) Shutdown(context.Context) error {
	e.telemetry.Shutdown()
	return nil
}

// skips reports whether a resource's items have been through another collector, whose mark goes, or else marks it.
func (e *engine) skips(resource pcommon.Resource) bool {
	if e.skipMarked && resource.Attributes().Remove(markKey) {
		return true
	}
	if e.mode != "" {
		resource.Attributes().PutStr(markKey, e.mode)
	}
	return false
}

// add reports a batch's counts.
func (e *engine) add(ctx context.Context, c *counts) {
	for s := range c.texts {
		for o, n := range c.texts[s] {
			if n > 0 {
				e.telemetry.ProcessorObfuscateTexts.Add(ctx, n, e.outcomes[s][o]...)
			}
		}
	}
	if c.cards > 0 {
		e.telemetry.ProcessorObfuscateCards.Add(ctx, c.cards, e.self...)
	}
	if c.urls > 0 {
		e.telemetry.ProcessorObfuscateUrls.Add(ctx, c.urls, e.self...)
	}
}
