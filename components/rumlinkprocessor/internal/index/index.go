package index

import (
	"hash/maphash"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index/store"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

const (
	seenBytes = 32 // a fingerprint, with its part of the map

	// LinkPrefix begins every attribute with which a linker says how it linked.
	LinkPrefix = "trace_link"
)

// MinBytes is the least MaxBytes of a Config.
const MinBytes = 1 << 20

// EntryKey names what is known, of a span, a trace or a business key.
type EntryKey = store.Key

// Config bounds an Index. All fields but DropNew, Tenant, TenantShare and Keys
// must be set.
type Config struct {
	MaxEntries int
	MaxBytes   int64
	TTL        time.Duration
	// DropNew refuses new entries when full; else the oldest leaves.
	DropNew bool
	// Tenant is the resource attribute that names the tenant, "" for one
	// tenant, and TenantShare the part of MaxEntries that one may hold.
	Tenant      string
	TenantShare float64
	Keys        []Key
	// MaxRunes is the longest text that is kept.
	MaxRunes int
	// Now is a monotonic clock in nanoseconds.
	Now func() int64
}

// Index is what is known.
type Index struct {
	store    *store.Store[entry]
	seen     *seenLately
	now      func() int64
	seeds    [2]maphash.Seed
	tenant   string
	keys     []Key
	maxRunes int
}

// New returns an empty Index.
func New(cfg Config) *Index {
	// The fingerprints take their part of MaxBytes, at most an eighth.
	fingerprints := min(int64(cfg.MaxEntries), cfg.MaxBytes/(8*seenBytes))
	share := cfg.TenantShare
	if cfg.Tenant == "" {
		share = 0
	}
	return &Index{
		store: store.New[entry](store.Config{
			MaxEntries:  cfg.MaxEntries,
			MaxBytes:    cfg.MaxBytes - fingerprints*seenBytes,
			TTL:         cfg.TTL,
			DropNew:     cfg.DropNew,
			TenantShare: share,
			Now:         cfg.Now,
		}),
		seen:     newSeen(int(fingerprints), cfg.TTL, cfg.Now),
		now:      cfg.Now,
		seeds:    [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		tenant:   cfg.Tenant,
		keys:     cfg.Keys,
		maxRunes: cfg.MaxRunes,
	}
}

// Now returns the time by the clock that entries age by.
func (x *Index) Now() int64 { return x.now() }

// Consumes reports whether any key is forgotten once it has been used.
func (x *Index) Consumes() bool {
	return slices.ContainsFunc(x.keys, func(k Key) bool { return k.Consume })
}

// Keys returns the business keys. They must not be changed.
func (x *Index) Keys() []Key { return x.keys }

// Tenant returns whose resource it is; 0 is everybody's.
func (x *Index) Tenant(resource pcommon.Resource) uint64 {
	if x.tenant == "" {
		return 0
	}
	v, ok := resource.Attributes().Get(x.tenant)
	if !ok || v.Type() != pcommon.ValueTypeStr {
		return 0
	}
	return maphash.String(x.seeds[0], v.Str()) | 1
}

// Ref is a record's place in its trace. Joining is by Low, which every spelling
// of an id has; High is verified where it is known.
type Ref struct{ Tenant, High, Low, Span uint64 }

// RefOf returns the place that ids name; a span of zeros is none.
func RefOf(tenant uint64, trace pcommon.TraceID, span pcommon.SpanID) Ref {
	hi, low := ddcontext.SplitTraceID(trace)
	return Ref{Tenant: tenant, High: hi, Low: low, Span: ddcontext.SpanIDUint64(span)}
}

// SpanKey is where the span is known.
func (r Ref) SpanKey() EntryKey { return EntryKey{Tenant: r.Tenant, A: r.Low, B: r.Span} }

// TraceKey is where the trace is known.
func (r Ref) TraceKey() EntryKey { return EntryKey{Tenant: r.Tenant, A: r.Low} }

// Knows reports whether a span, trace or key has been seen, not only its logs.
func (x *Index) Knows(k EntryKey) (known bool) {
	x.store.View(k, func(e *entry) {
		_, owned := e.extra.(*Owner)
		known = owned || e.flags&seen != 0
	})
	return known
}

// Forget removes business keys that were used up.
func (x *Index) Forget(keys []EntryKey) {
	for _, k := range keys {
		x.store.Remove(k)
	}
}

// Sweep gives back the memory of what is out of date.
func (x *Index) Sweep() {
	x.store.Sweep()
	x.seen.sweep()
}

// Stats returns totals since New, except Entries and Bytes.
func (x *Index) Stats() store.Stats { return x.store.Stats() }
