package ddpropagation

import (
	"sync"

	"go.opentelemetry.io/collector/processor"
)

// sharedCaches gives all pipelines of one component id the same cache. The collector hands every instance of an id the same
// *Config, and a new one after a reload, so the pointer is the key.
type sharedCaches struct {
	mu     sync.Mutex
	caches map[*Config]*sharedCache
}

type sharedCache struct {
	*cache
	users int
}

// acquire returns the cache of cfg, nil when it is not enabled, and the function that gives it back, to be called at shutdown.
func (s *sharedCaches) acquire(set processor.Settings, cfg *Config) (*cache, func() error, error) {
	if !cfg.TraceIDCache.Enabled {
		return nil, func() error { return nil }, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.caches[cfg]
	if shared == nil {
		c, err := newCache(set, cfg.TraceIDCache)
		if err != nil {
			return nil, nil, err
		}
		shared = &sharedCache{cache: c}
		s.caches[cfg] = shared
	}
	shared.users++
	return shared.cache, sync.OnceValue(func() error { return s.release(cfg) }), nil
}

func (s *sharedCaches) release(cfg *Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.caches[cfg]
	if shared.users--; shared.users > 0 {
		return nil
	}
	delete(s.caches, cfg)
	return shared.close()
}
