package rumlinkprocessor

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

const (
	seenBytes     = 32 // a fingerprint, with its share of the map
	minStoreBytes = 1 << 20
)

// join is what is known: spans, traces and keys, and which logs were counted.
// All instances of one processor id share it.
type join struct {
	store  *store.Store[entry]
	seen   *store.Seen
	now    func() int64
	seed   maphash.Seed
	seed2  maphash.Seed
	tenant string
	keys   []key
	maxLen int

	rooms   atomic.Pointer[[]*room] // where logs wait for what arrives here
	roomsMu sync.Mutex
}

func newJoin(cfg *Config, now func() int64) *join {
	// The fingerprints take their part of max_bytes, at most an eighth.
	fingerprints := min(int64(cfg.Store.MaxEntries), cfg.Store.MaxBytes/(8*seenBytes))
	share := cfg.Store.Tenant.MaxShare
	if cfg.Store.Tenant.Key == "" {
		share = 0
	}
	return &join{
		store: store.New[entry](store.Config{
			MaxEntries:  cfg.Store.MaxEntries,
			MaxBytes:    cfg.Store.MaxBytes - fingerprints*seenBytes,
			TTL:         cfg.Store.TTL,
			DropNew:     cfg.Store.OnFull == dropNew,
			TenantShare: share,
			Now:         now,
		}),
		seen:   store.NewSeen(int(fingerprints), cfg.Store.TTL, now),
		now:    now,
		seed:   maphash.MakeSeed(),
		seed2:  maphash.MakeSeed(),
		tenant: cfg.Store.Tenant.Key,
		keys:   newKeys(cfg),
		maxLen: cfg.MaxValueLength,
	}
}

// tenantOf returns whose resource it is; 0 is everybody's.
func (j *join) tenantOf(resource pcommon.Resource) uint64 {
	if j.tenant == "" {
		return 0
	}
	v, ok := resource.Attributes().Get(j.tenant)
	if !ok || v.Type() != pcommon.ValueTypeStr {
		return 0
	}
	return maphash.String(j.seed, v.Str()) | 1
}

// spanRef is a record's place in its trace. Joining is by low, which every
// spelling of an id has; hi is verified where it is known.
type spanRef struct{ tenant, hi, low, span uint64 }

func refOf(tenant uint64, trace pcommon.TraceID, span pcommon.SpanID) spanRef {
	hi, low := ddcontext.SplitTraceID(trace)
	return spanRef{tenant: tenant, hi: hi, low: low, span: ddcontext.SpanIDUint64(span)}
}

func (r spanRef) spanKey() store.Key { return store.Key{Tenant: r.tenant, A: r.low, B: r.span} }

func (r spanRef) traceKey() store.Key { return store.Key{Tenant: r.tenant, A: r.low} }

// addRoom has the room told what arrives.
func (j *join) addRoom(r *room) {
	j.roomsMu.Lock()
	defer j.roomsMu.Unlock()
	var rooms []*room
	if old := j.rooms.Load(); old != nil {
		rooms = slices.Clone(*old)
	}
	rooms = append(rooms, r)
	j.rooms.Store(&rooms)
}

// arrived tells all rooms that k is known now.
func (j *join) arrived(k store.Key) {
	rooms := j.rooms.Load()
	if rooms == nil {
		return
	}
	for _, r := range *rooms {
		r.arrived(k)
	}
}

// knows says whether a span, trace or key has been seen, not only its logs.
func (j *join) knows(k store.Key) (yes bool) {
	j.store.View(k, func(e *entry) { yes = e.flags&known != 0 || e.owner != nil })
	return yes
}
