package ddsampler

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/memory"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/rates"
)

// shared is what the pipelines of one component id have together: what is remembered about traces, the rates and the counters.
type shared struct {
	memory *memory.Memory
	rates  rates.Table

	telemetry *metadata.TelemetryBuilder
	options   [outcomeCount][]metric.AddOption
	users     int
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
	s := &shared{memory: memory.New(cfg.Memory.MaxEntries, cfg.Memory.TTL), rates: table, telemetry: builder}
	id := attribute.String("processor", set.ID.String())
	for o := range outcomeCount {
		s.options[o] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", o.String())))}
	}
	self := metric.WithAttributeSet(attribute.NewSet(id))
	err = builder.RegisterProcessorDdSamplerMemorySizeCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(s.memory.Len(time.Now())), self)
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

// instances gives all pipelines of one component id the same state. The collector hands every instance of an id the same *Config, and a new one
// after a reload, so the pointer is the key.
type instances struct {
	mu    sync.Mutex
	users map[*Config]*shared
}

// acquire returns the state of cfg and the function that gives it back, to be called at shutdown.
func (i *instances) acquire(set processor.Settings, cfg *Config) (*shared, func(context.Context) error, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.users[cfg]
	if s == nil {
		var err error
		if s, err = newShared(set, cfg); err != nil {
			return nil, nil, errors.Join(err)
		}
		i.users[cfg] = s
	}
	s.users++
	release := sync.OnceFunc(func() { i.release(cfg) })
	return s, func(context.Context) error { release(); return nil }, nil
}

func (i *instances) release(cfg *Config) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.users[cfg]
	if s.users--; s.users == 0 {
		delete(i.users, cfg)
		s.telemetry.Shutdown()
	}
}
