package rumlinkprocessor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
)

const minSweep = time.Second

// shared is what all pipelines with one processor id have in common: the index,
// swept while at least one of them runs, and the queues of logs that wait for
// what arrives.
type shared struct {
	mu    sync.Mutex
	index *index.Index
	users int
	stop  chan struct{}
	done  chan struct{}
	// claimed are the signals whose waiting data goes to the storage.
	claimed   map[string]bool
	telemetry *metadata.TelemetryBuilder

	queues atomic.Pointer[[]*parking.Queue]
}

// claim takes the storage for a signal. Data found there after a restart must
// know which pipeline it came from, so there can be only one.
func (s *shared) claim(signal string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed[signal] {
		return fmt.Errorf("storage serves one %s pipeline: give each further pipeline a rum_link of its own name", signal)
	}
	if s.claimed == nil {
		s.claimed = make(map[string]bool)
	}
	s.claimed[signal] = true
	return nil
}

func (s *shared) indexFor(cfg *Config) *index.Index {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		base := time.Now()
		s.index = newIndex(cfg, func() int64 { return int64(time.Since(base)) })
	}
	return s.index
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

// add has the queue told what arrives.
func (s *shared) add(q *parking.Queue) {
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

// start is called by every pipeline; the first starts the sweeper.
func (s *shared) start(set processor.Settings, ttl time.Duration) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		if s.telemetry, err = observeIndex(set, s.index); err != nil {
			return err
		}
		s.stop, s.done = make(chan struct{}), make(chan struct{})
		go sweep(s.index, max(minSweep, ttl/4), s.stop, s.done)
	}
	s.users++
	return nil
}

// shutdown is called by every started pipeline; the last stops the sweeper.
func (s *shared) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	close(s.stop)
	<-s.done
	s.claimed = nil
	s.telemetry.Shutdown()
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
