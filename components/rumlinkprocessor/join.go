package rumlinkprocessor

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

const (
	seenBytes     = 32 // a fingerprint, with its share of the map
	minStoreBytes = 1 << 20
	minSweep      = time.Second
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

func (r spanRef) spanKey() store.Key  { return store.Key{Tenant: r.tenant, A: r.low, B: r.span} }
func (r spanRef) traceKey() store.Key { return store.Key{Tenant: r.tenant, A: r.low} }

// found is the answer to a lookup.
type found struct {
	method   method
	result   result
	hi       uint64 // upper half of the trace, when method is not none
	info     unique.Handle[spanInfo]
	rum      unique.Handle[rumContext]
	conflict bool // the low half is known, with another upper half
}

// find looks for the span of a log, then for its trace.
func (j *join) find(r spanRef) (f found) {
	f.result = resultNotFound
	hi := r.hi
	if r.span != 0 {
		f.missed(j.store.View(r.spanKey(), func(e *entry) {
			if e.flags&known == 0 {
				return
			}
			switch full, v := e.matches(hi); v {
			case match:
				f.method, f.result, f.hi, f.info = methodSpan, resultHit, full, e.info
				hi = full
			case unsure:
				f.result = resultAmbiguous
			case mismatch:
				f.conflict = true
			}
		}))
	}
	f.missed(j.store.View(r.traceKey(), func(e *entry) {
		if e.flags&known == 0 {
			return
		}
		switch full, v := e.matches(hi); v {
		case match:
			if f.method == methodNone {
				f.method, f.result, f.hi = methodTrace, resultHit, full
			}
			// Whose user it was is certain only if one trace has this half.
			if e.flags&(twoHi|manyHi) == 0 {
				f.rum = e.rum
			}
		case unsure:
			if f.method == methodNone {
				f.result = resultAmbiguous
			}
		case mismatch:
			f.conflict = f.conflict || f.method == methodNone
		}
	}))
	if f.method != methodNone && r.hi == 0 && f.hi != 0 {
		f.method = methodID64
	}
	return f
}

// missed notes why a lookup found nothing; the more telling reason stays.
func (f *found) missed(r store.Result) {
	if f.result == resultHit {
		return
	}
	switch r {
	case store.Expired:
		f.result = max(f.result, resultExpired)
	case store.Full:
		f.result = max(f.result, resultStoreFull)
	}
}

// putSpan makes a span known. It says whether its logs contradict it.
func (j *join) putSpan(r spanRef, info unique.Handle[spanInfo]) (conflict bool) {
	bytes := info.Value().bytes()
	j.store.Put(r.spanKey(), bytes, true, func(e *entry, _ bool) (grown int64) {
		if e.flags&known == 0 && e.hi2 != 0 {
			if e.hi2 != r.hi {
				conflict = true
				grown -= e.events.bytes()
				e.events, e.counts = nil, [len(e.counts)]uint16{}
			}
			e.hi2 = 0
		}
		if e.info != (unique.Handle[spanInfo]{}) {
			grown -= e.info.Value().bytes()
		}
		e.addHi(r.hi)
		e.info = info
		return grown + bytes
	})
	return conflict
}

// putTrace makes a trace known, with what ctx says about its user, if anything.
func (j *join) putTrace(r spanRef, ctx *rumContext) (conflicts int64) {
	var need int64
	if ctx != nil {
		need = ctx.bytes()
	}
	j.store.Put(r.traceKey(), need, true, func(e *entry, _ bool) (grown int64) {
		e.addHi(r.hi)
		if ctx != nil {
			conflicts, grown = e.addRUM(ctx)
		}
		return grown
	})
	return conflicts
}

// countLog counts one log on its span, which may yet have to come, and keeps
// event for it. It says what became of the event and whether it came too late.
func (j *join) countLog(r spanRef, severity int, event string, maxEvents int) (out counted) {
	need := int64(0)
	if event != "" {
		need = eventBytes(event)
	}
	res := j.store.Put(r.spanKey(), need, false, func(e *entry, fresh bool) (grown int64) {
		switch {
		case fresh:
			e.hi2 = r.hi
		case e.flags&known != 0:
			if _, v := e.matches(r.hi); v != match {
				out.conflict = true
				return 0
			}
		case e.hi2 == 0:
			e.hi2 = r.hi
		case r.hi != 0 && r.hi != e.hi2:
			out.conflict = true
			return 0
		}
		e.count(severity)
		out.late = e.flags&left != 0
		if event == "" {
			return 0
		}
		grown, out.kept = e.addEvent(event, maxEvents)
		return grown
	})
	out.refused = res != store.Hit
	return out
}

// counted says what became of a log's contribution to its span.
type counted struct{ late, kept, conflict, refused bool }

// What a value shared through package unique costs besides its strings when
// nobody shares it, measured: the value, its place in the map, its weak pointer.
// The store books it in full for each entry, so its account is an upper bound.
const (
	infoBytes   = 290
	rumBytes    = 420
	stringSlack = 16 // of the allocator, per string
)

func (s spanInfo) bytes() int64 {
	return int64(len(s.service)+len(s.name)) + 2*stringSlack + infoBytes
}

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
