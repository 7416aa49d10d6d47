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
)

// cache remembers which upper half belongs to a Datadog trace id. It holds at most max_entries ids, each until ttl after it was last seen.
//
// A tracer sends the upper half only with the first span of each chunk, so spans of the same trace that arrive in a later batch, and log
// lines with a decimal id, have it from here.
type cache struct {
	ttl time.Duration
	now func() time.Time

	mu      sync.Mutex
	entries *simplelru.LRU[uint64, *cached] // the least recently seen is the first to expire, too

	hits, evictions metric.Int64Counter
	self            []metric.AddOption
	full, expired   []metric.AddOption
	gauge           metric.Registration
}

// cached is the upper half of one trace id, 0 when two were seen: then nobody can tell whose the lower half is.
type cached struct {
	upper   uint64
	expires time.Time
}

func newCache(set processor.Settings, cfg CacheConfig) (*cache, error) {
	entries, err := simplelru.NewLRU[uint64, *cached](cfg.MaxEntries, nil)
	if err != nil {
		return nil, err
	}
	c := &cache{ttl: cfg.TTL, now: time.Now, entries: entries}

	self := attribute.String("processor", set.ID.String())
	option := func(kv ...attribute.KeyValue) []metric.AddOption {
		return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(append(kv, self)...))}
	}
	c.self = option()
	c.full = option(attribute.String("reason", "full"))
	c.expired = option(attribute.String("reason", "expired"))

	meter := set.MeterProvider.Meter(scopeName)
	var errs [4]error
	c.hits, errs[0] = meter.Int64Counter("otelcol_processor_dd_propagation_cache_hits",
		metric.WithDescription("Trace ids completed from an earlier batch."), metric.WithUnit("{id}"))
	c.evictions, errs[1] = meter.Int64Counter("otelcol_processor_dd_propagation_cache_evictions",
		metric.WithDescription("Trace ids forgotten, by reason: full or expired."), metric.WithUnit("{id}"))
	size, err := meter.Int64ObservableGauge("otelcol_processor_dd_propagation_cache_size",
		metric.WithDescription("Trace ids remembered."), metric.WithUnit("{id}"))
	errs[2] = err
	c.gauge, errs[3] = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		o.ObserveInt64(size, int64(c.len(ctx)), metric.WithAttributes(self))
		return nil
	}, size)
	return c, errors.Join(errs[:]...)
}

// get returns the upper half that belongs to lower. It is 0, and known, when two were seen.
func (c *cache) get(ctx context.Context, lower uint64) (upper uint64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(lower)
	if !ok {
		return 0, false
	}
	now := c.now()
	if !now.Before(e.expires) {
		c.forget(ctx, now)
		return 0, false
	}
	e.expires = now.Add(c.ttl)
	if e.upper != 0 {
		c.hits.Add(ctx, 1, c.self...)
	}
	return e.upper, true
}

// learn remembers what a batch's spans said about their trace ids, and returns how many contradicted what was known: from then on
// nobody is told about those lower halves.
func (c *cache) learn(ctx context.Context, notes []note) (contradicted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.forget(ctx, now)
	expires := now.Add(c.ttl)
	var full int64
	for _, n := range notes {
		e, ok := c.entries.Get(n.lower)
		if !ok {
			if c.entries.Add(n.lower, &cached{upper: n.upper, expires: expires}) {
				full++
			}
			continue
		}
		e.expires = expires
		if e.upper != n.upper && e.upper != 0 {
			e.upper = 0
			contradicted++
		}
	}
	if full > 0 {
		c.evictions.Add(ctx, full, c.full...)
	}
	return contradicted
}

// len returns the number of ids that are still remembered.
func (c *cache) len(ctx context.Context) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(ctx, c.now())
	return c.entries.Len()
}

// forget removes what has expired. The caller holds the lock.
func (c *cache) forget(ctx context.Context, now time.Time) {
	var expired int64
	for {
		_, e, ok := c.entries.GetOldest()
		if !ok || now.Before(e.expires) {
			break
		}
		c.entries.RemoveOldest()
		expired++
	}
	if expired > 0 {
		c.evictions.Add(ctx, expired, c.expired...)
	}
}
