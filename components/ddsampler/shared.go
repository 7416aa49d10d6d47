package ddsampler

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/exceptions"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/memory"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/rates"
)

// shared is what the pipelines of one component id have together: what is remembered about traces, the rates and the counters.
type shared struct {
	memory *memory.Memory
	rates  rates.Table
	// exceptions is nil unless traces are kept for their errors or rare shape.
	exceptions *exceptions.Sampler
	keepRare   bool

	telemetry *metadata.TelemetryBuilder
	options   [outcomeCount][]metric.AddOption
}

func newShared(set processor.Settings, cfg *Config) (*shared, error) {
	table, err := cfg.table(set.Logger)
	if err != nil {
		return nil, err
	}
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	s := &shared{memory: memory.New(cfg.Memory.MaxEntries, cfg.Memory.TTL), rates: table, telemetry: builder, keepRare: cfg.KeepRare > 0}
	if cfg.KeepErrors > 0 || cfg.KeepRare > 0 {
		s.exceptions = exceptions.New(cfg.KeepErrors, cfg.KeepRare)
	}
	id := attribute.String("processor", set.ID.String())
	for o := range outcomeCount {
		s.options[o] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", o.String())))}
	}
	self := metric.WithAttributeSet(attribute.NewSet(id))
	err = builder.RegisterProcessorDdSamplerMemorySizeCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(s.memory.Len(time.Now())), self)
		return nil
	})
	if err != nil || !s.keepRare {
		return s, err
	}
	err = builder.RegisterProcessorDdSamplerRareServicesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(s.exceptions.Services()), self)
		return nil
	})
	return s, err
}

func (s *shared) countTraces(ctx context.Context, counts *[outcomeCount]int64) {
	for o, n := range counts {
		if n > 0 {
			s.telemetry.ProcessorDdSamplerTraces.Add(ctx, n, s.options[o]...)
		}
	}
}

func (s *shared) countSpans(ctx context.Context, counts *[outcomeCount]int64) {
	for o, n := range counts {
		if n > 0 {
			s.telemetry.ProcessorDdSamplerSpans.Add(ctx, n, s.options[o]...)
		}
	}
}

func (s *shared) countRecords(ctx context.Context, counts *[outcomeCount]int64) {
	for o, n := range counts {
		if n > 0 {
			s.telemetry.ProcessorDdSamplerLogRecords.Add(ctx, n, s.options[o]...)
		}
	}
}

// Start implements component.Component.
func (*shared) Start(context.Context, component.Host) error { return nil }

// Shutdown implements component.Component.
func (s *shared) Shutdown(context.Context) error {
	s.telemetry.Shutdown()
	return nil
}
