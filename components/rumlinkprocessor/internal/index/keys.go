package index

import (
	"hash/maphash"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxExactDouble is the largest whole number up to which every whole number has
// a double of its own.
const maxExactDouble = 1 << 53

// Key is a business key that a span and its logs have in common.
type Key struct {
	Name string
	// Span and Log are the attributes that hold it; the first present counts.
	Span, Log []string
	// Text says that whole numbers stay in the type in which they came.
	Text bool
	// Window is how long after its first span the key is used.
	Window time.Duration
	// Consume says that the key is forgotten once it has been used.
	Consume bool
	// Links says that the key links traces: it belongs to the first of them.
	Links bool
}

// KeyOf returns where key k is known with the value that the first of names
// present in attrs has. The number 42 and the string "42" are one value.
func (x *Index) KeyOf(tenant uint64, k *Key, names []string, attrs pcommon.Map) (EntryKey, bool) {
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
			return x.hash(tenant, k.Name, v.Str(), nil), true
		case pcommon.ValueTypeInt:
			return x.hash(tenant, k.Name, "", strconv.AppendInt(buf[:0], v.Int(), 10)), true
		case pcommon.ValueTypeDouble:
			d := v.Double()
			if d != float64(int64(d)) || d > maxExactDouble || d < -maxExactDouble {
				continue
			}
			return x.hash(tenant, k.Name, "", strconv.AppendInt(buf[:0], int64(d), 10)), true
		}
	}
	return EntryKey{}, false
}

// hash stands for the value by 128 bits that nobody outside can foresee.
func (x *Index) hash(tenant uint64, name, s string, b []byte) EntryKey {
	var sums [2]uint64
	var h maphash.Hash
	for i := range sums {
		h.SetSeed(x.seeds[i])
		_, _ = h.WriteString(name)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(s)
		_, _ = h.Write(b)
		sums[i] = h.Sum64()
	}
	return EntryKey{Tenant: tenant, A: sums[0], B: sums[1]}
}

// Owned is the answer to a look-up by key.
type Owned struct {
	Owner
	Result Result
	// SeveralTraces and SeveralSpans report that spans of several traces, or
	// several spans of the owner's trace, carry the key.
	SeveralTraces, SeveralSpans bool
}

// OwnerOf returns the span that key k leads to.
func (x *Index) OwnerOf(at EntryKey, k *Key) (o Owned) {
	o.Result = NotFound
	res := x.store.View(at, func(e *entry) {
		known, ok := e.extra.(*Owner)
		switch {
		case !ok:
		case x.now()-known.since > int64(k.Window):
			o.Result = Expired
		default:
			o.Owner, o.Result = *known, Hit
			o.SeveralTraces, o.SeveralSpans = e.flags&severalKeys != 0, e.flags&severalSpan != 0
		}
	})
	o.Result = o.Result.missed(res)
	return o
}

// PutKey makes r known under a key.
func (x *Index) PutKey(at EntryKey, r Ref, start uint64) {
	x.store.Put(at, ownerBytes, true, func(e *entry, _ bool) int64 {
		return e.own(Owner{Ref: r, Start: start}, x.now())
	})
}

// FindByKey finds the span that one of a log's business keys leads to. The first
// key with an answer decides; several answers to one key are none. used is where
// a key is known that is forgotten once it has been used.
func (x *Index) FindByKey(tenant uint64, attrs pcommon.Map) (ref Ref, f Found, used EntryKey) {
	ref.Tenant, f.Result = tenant, NoID
	for i := range x.keys {
		k := &x.keys[i]
		at, ok := x.KeyOf(tenant, k, k.Log, attrs)
		if !ok {
			continue
		}
		o := x.OwnerOf(at, k)
		// A key that links traces belongs to the first of them; any other key
		// that several traces carry leads nowhere.
		if o.Result == Hit && o.SeveralTraces && !k.Links {
			o.Result = Ambiguous
		}
		f.Result = max(f.Result, o.Result)
		if o.Result != Hit {
			continue
		}
		ref = o.Ref
		if o.SeveralSpans {
			ref.Span = 0 // the trace is certain, the span is not
		}
		f = x.Find(ref)
		f.Method, f.Result, f.High, f.Key = MethodKey, Hit, ref.High, k.Name
		if k.Consume {
			used = at
		}
		return ref, f, used
	}
	return ref, f, used
}

// KeyConflicts returns how many of a record's keys belong to another trace than
// ref.
func (x *Index) KeyConflicts(ref Ref, attrs pcommon.Map) (n int64) {
	for i := range x.keys {
		k := &x.keys[i]
		if at, ok := x.KeyOf(ref.Tenant, k, k.Log, attrs); ok {
			if o := x.OwnerOf(at, k); o.Result == Hit && !o.SeveralTraces && o.Low != ref.Low {
				n++
			}
		}
	}
	return n
}

// LogKeys returns where the keys of a log are known, once their span has come.
func (x *Index) LogKeys(tenant uint64, attrs pcommon.Map) (at []EntryKey) {
	for i := range x.keys {
		if one, ok := x.KeyOf(tenant, &x.keys[i], x.keys[i].Log, attrs); ok {
			at = append(at, one)
		}
	}
	return at
}
