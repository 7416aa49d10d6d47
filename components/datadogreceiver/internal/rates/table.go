package rates

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// pair is a service and an environment as tracers send them.
type pair struct{ service, env string }

func (p pair) key() string { return "service:" + p.service + ",env:" + p.env }

// Table remembers pairs and makes the Answer.
type Table struct {
	options Options
	fixed   map[pair]float64
	answer  atomic.Pointer[Answer]

	mu        sync.Mutex
	pairs     *simplelru.LRU[pair, *load]
	all       load  // of the pairs that share the budget
	forgotten int64 // in this call of Learn
	bucket    int64 // number of the current one
	built     time.Time
	stale     bool // the answer lacks a pair
}

// New makes a Table. Its answer holds what is configured.
func New(o Options) *Table {
	t := &Table{options: o, fixed: make(map[pair]float64, len(o.Entries))}
	for _, e := range o.Entries {
		t.fixed[pair{e.Service, e.Env}] = e.Rate
	}
	// An error would say that the size is not positive, which Validate of the configuration refuses.
	t.pairs, _ = simplelru.NewLRU(max(1, o.MaxPairs), func(pair, *load) { t.forgotten++ })
	t.build(time.Time{})
	return t
}

// Answer returns what tracers are answered now.
func (t *Table) Answer() *Answer { return t.answer.Load() }

// Learns reports whether the answer depends on what Learn takes.
func (t *Table) Learns() bool { return len(t.fixed) > 0 || t.options.Budget > 0 }

// Learn takes what was seen in a payload. dropped is how many unsampled traces the tracer says it dropped before sending, of the same
// pairs as those it sent. It returns how many pairs were forgotten to remember these.
func (t *Table) Learn(roots []Root, dropped int64, now time.Time) (forgotten int64) {
	if !t.Learns() || len(roots) == 0 {
		return 0
	}
	sent := 0.0
	for _, r := range roots {
		sent += r.Traces
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := t.rotate(now)
	for _, r := range roots {
		weight := 1.0
		if sent > 0 {
			weight += float64(dropped) / sent
		}
		t.see(pair{r.Service, r.Env}, r.Traces*weight)
	}
	if changed || t.stale && now.Sub(t.built) >= patience {
		t.build(now)
	}
	forgotten, t.forgotten = t.forgotten, 0
	return forgotten
}

// Size returns how many pairs are remembered.
func (t *Table) Size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pairs.Len()
}

func (t *Table) see(p pair, traces float64) {
	if !isName(p.service) || !isName(p.env) {
		return
	}
	l, ok := t.pairs.Get(p)
	if !ok {
		l = new(load)
		t.pairs.Add(p, l)
		t.stale = true
	}
	if _, ok := t.entry(p); ok || t.options.Budget == 0 {
		return
	}
	l.counts[t.bucket%numBuckets] += traces
	t.all.counts[t.bucket%numBuckets] += traces
}

// isName reports whether a name can be one: Datadog's are short, and what a stranger sends goes to every tracer.
func isName(name string) bool {
	return len(name) <= maxName && strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// rotate goes to the bucket of now and shares the budget anew. It reports whether it did.
func (t *Table) rotate(now time.Time) bool {
	next := now.UnixNano() / int64(bucket)
	if next == t.bucket {
		return false
	}
	last := t.bucket
	t.bucket = next
	if t.options.Budget == 0 || last == 0 {
		return false
	}
	var loads []float64
	for _, p := range t.pairs.Keys() {
		if l, ok := t.shares(p); ok {
			l.rotate(last, next)
			if l.idle() {
				l.rate = 0
				continue
			}
			loads = append(loads, l.perSec)
		}
	}
	share := shareOf(t.options.Budget, loads)
	for _, p := range t.pairs.Keys() {
		if l, ok := t.shares(p); ok && !l.idle() {
			l.adjust(share)
		}
	}
	t.all.rotate(last, next)
	return true
}

// shares returns the load of a pair that has part in the budget.
func (t *Table) shares(p pair) (*load, bool) {
	if _, ok := t.entry(p); ok {
		return nil, false
	}
	return t.pairs.Peek(p)
}

// entry finds the most exact entry for a pair.
func (t *Table) entry(p pair) (float64, bool) {
	if p.env == "" {
		p.env = t.options.DefaultEnv
	}
	for _, key := range [...]pair{p, {service: p.service}, {env: p.env}, {}} {
		if rate, ok := t.fixed[key]; ok {
			return rate, true
		}
	}
	return 0, false
}

// build makes the answer.
func (t *Table) build(now time.Time) {
	fallback := t.fallback()
	byKey := map[string]float64{pair{}.key(): fallback}
	size := 0
	add := func(p pair, rate float64) {
		key := p.key()
		if _, ok := byKey[key]; !ok {
			byKey[key] = rate
			size += len(key) + len(`"":0.1234567890123456789,`)
		}
	}
	for _, e := range t.options.Entries {
		byKey[pair{e.Service, e.Env}.key()] = e.Rate
	}
	// First as they were seen, the last one first: should there be too many, those seen lately count. Then as the agent would spell
	// them, for tracers that look for that.
	keys := t.pairs.Keys()
	slices.Reverse(keys)
	for _, spell := range [...]func(pair, float64){add, func(p pair, rate float64) { t.respell(p, rate, add) }} {
		for _, p := range keys {
			if size >= maxBody {
				break
			}
			if rate, ok := t.rate(p, fallback); ok {
				spell(p, rate)
			}
		}
	}
	// Marshal sorts the keys. A map of finite numbers can't fail.
	body, _ := json.Marshal(map[string]any{"rate_by_service": byKey})
	sum := sha256.Sum256(body)
	t.answer.Store(&Answer{Body: body, Version: hex.EncodeToString(sum[:8])})
	t.built, t.stale = now, false
}

// respell adds a pair as the agent spells it, and under the other name of the default environment.
func (t *Table) respell(p pair, rate float64, add func(pair, float64)) {
	add(pair{normalized(p.service), normalized(p.env)}, rate)
	switch p.env {
	case "":
		add(pair{p.service, t.options.DefaultEnv}, rate)
	case t.options.DefaultEnv:
		add(pair{p.service, ""}, rate)
	}
}

// rate is what a pair is answered, if it has a key of its own.
func (t *Table) rate(p pair, fallback float64) (float64, bool) {
	if rate, ok := t.entry(p); ok {
		return rate, true
	}
	l, ok := t.pairs.Peek(p)
	if !ok || t.options.Budget == 0 {
		return 0, false
	}
	if l.rate == 0 {
		// Not counted for a whole bucket yet.
		return fallback, true
	}
	return l.rate, true
}

// fallback is the rate of those that find no other.
func (t *Table) fallback() float64 {
	if rate, ok := t.fixed[pair{}]; ok || t.options.Budget == 0 {
		if !ok {
			return 1
		}
		return rate
	}
	lowest := rateFor(t.options.Budget, t.all.perSec)
	for _, p := range t.pairs.Keys() {
		if l, ok := t.shares(p); ok && l.rate > 0 {
			lowest = min(lowest, l.rate)
		}
	}
	return lowest
}

// normalized is a service or an environment as the Datadog agent spells it: lower case, with an underscore for what is no letter,
// digit or one of _-./:.
func normalized(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-./:", r) || r > 0x7f:
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}
