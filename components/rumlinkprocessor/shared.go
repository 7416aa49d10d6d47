package rumlinkprocessor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/order"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
	"github.com/otelcol-obs/otelcol-obs/internal/pipelineorder"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

const minSweep = time.Second

var instances = sharedcomponent.New[*Config, *shared](sharedcomponent.StopAtLast)

// shared is what all pipelines with one processor id have in common: the index,
// swept while at least one of them runs, and the queues of logs that wait for
// what arrives.
type shared struct {
	set       processor.Settings
	cfg       *Config
	index     *index.Index
	telemetry *metadata.TelemetryBuilder
	stop      chan struct{}
	done      chan struct{}
	queues    atomic.Pointer[[]*parking.Queue]

	// In which signals it stands: what nobody reads is not learned.
	hasTraces, hasLogs atomic.Bool

	mu      sync.Mutex
	claimed map[pipeline.Signal]bool // whose waiting data goes to the storage
}

func newShared(set processor.Settings, cfg *Config, now func() int64) *shared {
	return &shared{
		set: set, cfg: cfg, index: newIndex(cfg, now),
		claimed: map[pipeline.Signal]bool{},
	}
}

// instanceOf returns what the pipelines of one processor id share.
func instanceOf(set processor.Settings, cfg *Config) (*sharedcomponent.Handle[*shared], error) {
	return instances.Get(cfg, func() (*shared, error) {
		base := time.Now()
		return newShared(set, cfg, func() int64 { return int64(time.Since(base)) }), nil
	})
}

// Start implements component.Component: it starts the sweeper, and warns of a
// place among the processors in which little or nothing is joined.
func (s *shared) Start(_ context.Context, host component.Host) (err error) {
	if s.telemetry, err = observeIndex(s.set, s.index); err != nil {
		return err
	}
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go sweep(s.index, max(minSweep, s.cfg.Store.TTL/4), s.stop, s.done)
	pipelines := pipelineorder.Of(host)
	if pipelines == nil { // no extension knows; which signals it was made for is known here
		pipelines = pipelineorder.Pipelines{}
		if s.hasTraces.Load() {
			pipelines[pipeline.NewID(pipeline.SignalTraces)] = []component.ID{s.set.ID}
		}
		if s.hasLogs.Load() {
			pipelines[pipeline.NewID(pipeline.SignalLogs)] = []component.ID{s.set.ID}
		}
	}
	for _, sentence := range order.Misplacements(pipelines, s.set.ID, len(s.cfg.Spans.LinkOrphansBy) > 0) {
		s.set.Logger.Warn("The order of processors does not work: " + sentence)
	}
	return nil
}

// Shutdown implements component.Component.
func (s *shared) Shutdown(context.Context) error {
	if s.stop != nil {
		close(s.stop)
		<-s.done
		s.telemetry.Shutdown()
	}
	return nil
}

// standsIn notes a signal for which the processor was made.
func (s *shared) standsIn(signal pipeline.Signal) {
	if signal == pipeline.SignalTraces {
		s.hasTraces.Store(true)
	} else {
		s.hasLogs.Store(true)
	}
}

// claim takes the storage for a signal. Data found there after a restart must
// know which pipeline it came from, so there can be only one.
func (s *shared) claim(signal pipeline.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed[signal] {
		return fmt.Errorf("storage serves one %s pipeline: give each further pipeline a rum_link of its own name", signal)
	}
	s.claimed[signal] = true
	return nil
}

func newIndex(cfg *Config, now func() int64) *index.Index {
	keys := make([]index.Key, len(cfg.Keys))
	for i, k := range cfg.Keys {
		keys[i] = index.Key{
			Name: k.Name, Span: k.Span, Log: k.Log, Text: k.Text, Window: k.Window, Consume: k.Consume,
			Links: slices.Contains(cfg.Spans.LinkOrphansBy, k.Name),
		}
		if k.Window == 0 {
			keys[i].Window = cfg.Store.TTL
		}
	}
	return index.New(index.Config{
		MaxEntries:  cfg.Store.MaxEntries,
		MaxBytes:    cfg.Store.MaxBytes,
		TTL:         cfg.Store.TTL,
		DropNew:     cfg.Store.OnFull == dropNew,
		Tenant:      cfg.Store.Tenant.Key,
		TenantShare: cfg.Store.Tenant.MaxShare,
		Keys:        keys,
		MaxRunes:    cfg.MaxValueLength,
		Now:         now,
	})
}

// addQueue has a queue learn what arrives.
func (s *shared) addQueue(q *parking.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var queues []*parking.Queue
	if old := s.queues.Load(); old != nil {
		queues = slices.Clone(*old)
	}
	queues = append(queues, q)
	s.queues.Store(&queues)
}

// arrived tells all queues that k is known now.
func (s *shared) arrived(k index.EntryKey) {
	queues := s.queues.Load()
	if queues == nil {
		return
	}
	for _, q := range *queues {
		q.Arrived(k)
	}
}

func sweep(x *index.Index, every time.Duration, stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			x.Sweep()
		}
	}
}

// observeIndex reports the index until the returned builder is shut down.
func observeIndex(set processor.Settings, x *index.Index) (*metadata.TelemetryBuilder, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	o := options{set.ID.String()}
	self := o.of()
	evictions := map[metric.MeasurementOption]func() int64{
		o.of("reason", "ttl"):      func() int64 { return x.Stats().EvictedTTL },
		o.of("reason", "capacity"): func() int64 { return x.Stats().EvictedCapacity },
		o.of("reason", "tenant"):   func() int64 { return x.Stats().EvictedTenant },
	}
	for _, err := range []error{
		b.RegisterProcessorRumLinkStoreEntriesCallback(observe(self, func() int64 { return x.Stats().Entries })),
		b.RegisterProcessorRumLinkStoreBytesCallback(observe(self, func() int64 { return x.Stats().Bytes })),
		b.RegisterProcessorRumLinkDroppedNewCallback(observe(self, func() int64 { return x.Stats().DroppedNew })),
		b.RegisterProcessorRumLinkEvictionsCallback(func(_ context.Context, o metric.Int64Observer) error {
			for opt, value := range evictions {
				o.Observe(value(), opt)
			}
			return nil
		}),
	} {
		if err != nil {
			return nil, fmt.Errorf("observe store: %w", err)
		}
	}
	return b, nil
}
