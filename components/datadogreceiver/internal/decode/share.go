package decode

import (
	"math/bits"

	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/boxshare"
)

// shared lets spans, links and events that begin with the same attributes share their values. An attribute value of pdata is a box of
// its own on the heap, one allocation, and most spans of a payload repeat most of them: operation, resource, type, priority, process
// id… On the JavaScript capture this takes 22 of 31 allocations per span away.
// Package boxshare says why that is safe, and when.
type shared struct {
	on      bool
	buckets [1 << bucketBits]bucket
	// One builder, in a slice because that is how it can be copied.
	builders []xpdata.MapBuilder
}

const bucketBits = 5

// bucket holds the runs whose hashes begin alike. The oldest gives way to a new one: with one place, two kinds of span that share it
// by chance would push each other out all the time.
type bucket struct {
	runs   [4]run
	oldest uint8
}

func (b *bucket) find(hash uint64) (r *run, found bool) {
	for i := range b.runs {
		if r := &b.runs[i]; r.hash == hash {
			return r, true
		}
	}
	r = &b.runs[b.oldest]
	b.oldest = (b.oldest + 1) % uint8(len(b.runs))
	return r, false
}

// run is one list of attributes that was met. Its values are made when it is met again.
type run struct {
	hash  uint64
	attrs []attr
	built []xpdata.MapBuilder
}

func newShared() *shared {
	return &shared{on: boxshare.Safe(), builders: make([]xpdata.MapBuilder, 1)}
}

func (s *shared) reset() {
	for i := range s.buckets {
		for j := range s.buckets[i].runs {
			if r := &s.buckets[i].runs[j]; r.hash != 0 {
				*r = run{attrs: r.attrs[:0]}
			}
		}
	}
}

// newMap returns a builder that begins with attrs and has room for more attributes.
func (d *Decoder) newMap(attrs []attr, more int) *xpdata.MapBuilder {
	s := d.shared
	b := &s.builders[0]
	hash, ok := hashOf(attrs)
	if !ok || !s.on {
		b.EnsureCapacity(len(attrs) + more)
		d.appendAll(b, attrs)
		return b
	}
	r, found := s.buckets[hash>>(64-bucketBits)].find(hash)
	switch {
	case !found:
		r.hash, r.attrs, r.built = hash, r.attrs[:0], nil
		b.EnsureCapacity(len(attrs) + more)
		d.appendAll(b, attrs)
		return b
	case len(r.attrs) == 0:
		r.attrs = append(r.attrs, attrs...)
		r.built = make([]xpdata.MapBuilder, 1)
		r.built[0].EnsureCapacity(len(attrs))
		d.appendAll(&r.built[0], attrs)
	case !equal(r.attrs, attrs):
		b.EnsureCapacity(len(attrs) + more)
		d.appendAll(b, attrs)
		return b
	}
	// A builder has no method that copies it. Its list of pairs is copied by the EnsureCapacity that follows, as it is longer.
	copy(s.builders, r.built)
	b.EnsureCapacity(len(attrs) + max(1, more))
	return b
}

// appendAll writes attributes at the end of a builder.
func (d *Decoder) appendAll(to *xpdata.MapBuilder, attrs []attr) {
	for i := range attrs {
		d.put(attrs[i], to.AppendEmpty(d.syms.text(attrs[i].key)))
	}
}

// hashOf tells lists of attributes apart, most of the time. Bytes, lists and maps can be written to: a list with one is not ok.
func hashOf(attrs []attr) (hash uint64, ok bool) {
	if len(attrs) == 0 {
		return 0, false
	}
	hash = 1
	for i := range attrs {
		a := &attrs[i]
		if a.kind > attrBool {
			return 0, false
		}
		hash = (hash ^ uint64(a.key) ^ bits.RotateLeft64(a.number, 29)) * 0x9e3779b97f4a7c15
	}
	return hash, true
}

func equal(a, b []attr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.number != y.number || x.key != y.key || x.kind != y.kind {
			return false
		}
	}
	return true
}

// lastOfEach removes all attributes of one key but the last, which takes the place of the first.
func lastOfEach(attrs []attr) []attr {
	var at map[sym]int
	if len(attrs) > 16 {
		at = make(map[sym]int, len(attrs))
	}
	kept := attrs[:0]
	for _, a := range attrs {
		i, ok := 0, false
		if at != nil {
			i, ok = at[a.key]
		} else {
			for i < len(kept) && kept[i].key != a.key {
				i++
			}
			ok = i < len(kept)
		}
		if ok {
			kept[i] = a
			continue
		}
		if at != nil {
			at[a.key] = len(kept)
		}
		kept = append(kept, a)
	}
	return kept
}
