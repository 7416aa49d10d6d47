package rumlinkprocessor

import (
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
)

const minSweep = time.Second

// shared hands the same join to every instance and runs the sweeper while
// there is one that is started.
type shared struct {
	mu    sync.Mutex
	join  *join
	users int
	stop  chan struct{}
	done  chan struct{}
	// claimed are the signals whose waiting data goes to the storage.
	claimed map[string]bool
	gauges  metric.Registration
}

// claim takes the storage for a signal. A parcel found there after a restart
// must know which pipeline it came from, so there can be only one.
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

func (s *shared) get(cfg *Config) *join {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.join == nil {
		base := time.Now()
		s.join = newJoin(cfg, func() int64 { return int64(time.Since(base)) })
	}
	return s.join
}

// start is called by every instance; the first starts the sweeper.
func (s *shared) start(set processor.Settings, ttl time.Duration) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		if s.gauges, err = observeStore(set, s.join); err != nil {
			return err
		}
		s.stop, s.done = make(chan struct{}), make(chan struct{})
		go s.join.sweep(max(minSweep, ttl/4), s.stop, s.done)
	}
	s.users++
	return nil
}

// shutdown is called by every started instance; the last stops the sweeper.
func (s *shared) shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	close(s.stop)
	<-s.done
	s.claimed = nil
	return s.gauges.Unregister()
}

func (j *join) sweep(every time.Duration, stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			j.store.Sweep()
			j.seen.Sweep()
		}
	}
}
