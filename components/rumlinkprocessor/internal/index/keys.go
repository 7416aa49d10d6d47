package rumlinkprocessor

import (
	"hash/maphash"
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

const (
	maxKeys = 16
	// maxExactDouble is the largest whole number up to which every whole
	// number has a double of its own.
	maxExactDouble = 1 << 53
)

// key is one configured business key.
type key struct {
	KeyConfig
	links  bool // named by link_orphans_by
	window int64
}

func newKeys(cfg *Config) []key {
	keys := make([]key, len(cfg.Keys))
	for i, k := range cfg.Keys {
		window := k.Window
		if window == 0 {
			window = cfg.Store.TTL
		}
		keys[i] = key{KeyConfig: k, window: int64(window), links: slices.Contains(cfg.Spans.LinkOrphansBy, k.Name)}
	}
	return keys
}

// keyOf returns where the store holds key k with the value that the first of
// names present in attrs has. The number 42 and the string "42" are one value.
func (j *join) keyOf(tenant uint64, k *key, names []string, attrs pcommon.Map) (store.Key, bool) {
	for _, name := range names {
		v, ok := attrs.Get(name)
		if !ok {
			continue
		}
		var buf [20]byte
		switch v.Type() {
		case pcommon.ValueTypeStr:
			if v.Str() == "" {
				continue
			}
			return j.keyHash(tenant, k.Name, v.Str(), nil), true
		case pcommon.ValueTypeInt:
			return j.keyHash(tenant, k.Name, "", strconv.AppendInt(buf[:0], v.Int(), 10)), true
		case pcommon.ValueTypeDouble:
			d := v.Double()
			if d != float64(int64(d)) || d > maxExactDouble || d < -maxExactDouble {
				continue
			}
			return j.keyHash(tenant, k.Name, "", strconv.AppendInt(buf[:0], int64(d), 10)), true
		}
	}
	return store.Key{}, false
}

// keyHash stands for the value by 128 bits that nobody outside can foresee.
func (j *join) keyHash(tenant uint64, name, s string, b []byte) store.Key {
	var h maphash.Hash
	sum := func(seed maphash.Seed) uint64 {
		h.SetSeed(seed)
		_, _ = h.WriteString(name)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(s)
		_, _ = h.Write(b)
		return h.Sum64()
	}
	return store.Key{Tenant: tenant, A: sum(j.seed), B: sum(j.seed2)}
}

// ownerOf returns the span that key k leads to.
func (j *join) ownerOf(at store.Key, k *key) (o owner, several flags, res result) {
	res = resultNotFound
	f := found{result: res}
	f.missed(j.store.View(at, func(e *entry) {
		if e.owner == nil {
			return
		}
		if j.now()-e.owner.since > k.window {
			f.result = resultExpired
			return
		}
		o, several, f.result = *e.owner, e.flags, resultHit
	}))
	return o, several, f.result
}

// putKey makes r known under a key.
func (j *join) putKey(at store.Key, r spanRef, start uint64) {
	j.store.Put(at, ownerBytes, true, func(e *entry, _ bool) int64 {
		return e.own(owner{hi: r.hi, low: r.low, span: r.span, start: start}, j.now())
	})
}
