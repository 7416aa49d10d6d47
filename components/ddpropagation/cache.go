package ddpropagation

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/metadata"
)

// cache remembers which upper half belongs to a Datadog trace id. It holds at most max_entries ids, each until ttl after it was last seen.
//
// A tracer sends the upper half only with the first span of each chunk, so spans of the same trace that arrive in a later batch, and log
// lines with a decimal id, have it from here.
type cache struct {
	ttl   time.Duration
	now   func() time.Time
	close func() error

	mu      sync.Mutex
	entries *simplelru.LRU[uint64, *cached] // the least recently seen is the first to expire, too
	// Counted here and read when metrics are collected, for they change under the lock.
	hits, full, expired int64
}

// cached is the upper half of one trace id, 0 when two were seen: then nobody can tell whose the lower half is.
type cached struct {
	upper uint64
	// passed is a span that went on with an upper half of 0, because none was known yet: upper is then 0, too.
	passed  uint64
	expires time.Time
}

func newCache(set processor.Settings, cfg CacheConfig) (*cache, error) {
	entries, err := simplelru.NewLRU[uint64, *cached](cfg.MaxEntries, nil)
	if err != nil {
		return nil, err
	}
	c := &cache{ttl: cfg.TTL, now: time.Now, entries: entries}
	return c, c.observe(set)
}

// observe registers the cache's own metrics. They cost nothing until they are collected.
func (c *cache) observe(set processor.Settings) error {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return err
	}
	id := attribute.String("processor", set.ID.String())
	self := metric.WithAttributeSet(attribute.NewSet(id))
	full := metric.WithAttributeSet(attribute.NewSet(id, attribute.String("reason", "full")))
	expired := metric.WithAttributeSet(attribute.NewSet(id, attribute.String("reason", "expired")))
	locked := func(read func(metric.Int64Observer)) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.forget(c.now())
			read(o)
			return nil
		}
	}
	c.close = func() error {
		builder.Shutdown()
		return nil
	}
	return errors.Join(
		builder.RegisterProcessorDdPropagationCacheHitsCallback(locked(func(o metric.Int64Observer) { o.Observe(c.hits, self) })),
		builder.RegisterProcessorDdPropagationCacheSizeCallback(locked(func(o metric.Int64Observer) { o.Observe(int64(c.entries.Len()), self) })),
		builder.RegisterProcessorDdPropagationCacheEvictionsCallback(locked(func(o metric.Int64Observer) {
			o.Observe(c.full, full)
			o.Observe(c.expired, expired)
		})))
}

// get returns the upper half that belongs to lower. It is 0, and known, when two were seen. A span, if not 0, goes on without an upper half when none
// is known, which is remembered.
func (c *cache) get(lower, span uint64) (upper uint64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.forget(now)
	e, ok := c.entries.Get(lower)
	if !ok {
		if span != 0 && c.entries.Add(lower, &cached{passed: span, expires: now.Add(c.ttl)}) {
			c.full++
		}
		return 0, false
	}
	e.expires = now.Add(c.ttl)
	if e.upper != 0 {
		c.hits++
	}
	return e.upper, e.passed == 0
}

// learn remembers what a batch's spans said about their trace ids. It returns how many contradicted what was known, from then on
// nobody is told about those lower halves, and of those that came late the spans that had gone on without.
func (c *cache) learn(notes []note) (contradicted int64, lates map[note]uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.forget(now)
	expires := now.Add(c.ttl)
	for _, n := range notes {
		e, ok := c.entries.Get(n.lower)
		if !ok {
			if c.entries.Add(n.lower, &cached{upper: n.upper, expires: expires}) {
				c.full++
			}
			continue
		}
		e.expires = expires
		if e.passed != 0 {
			if lates == nil {
				lates = map[note]uint64{}
			}
			lates[n] = e.passed
			e.upper, e.passed = n.upper, 0
		}
		if e.upper != n.upper && e.upper != 0 {
			e.upper = 0
			contradicted++
		}
	}
	return contradicted, lates
}

// forget removes what has expired. The caller holds the lock.
func (c *cache) forget(now time.Time) {
	for {
		_, e, ok := c.entries.GetOldest()
		if !ok || now.Before(e.expires) {
			return
		}
		c.entries.RemoveOldest()
		c.expired++
	}
}
