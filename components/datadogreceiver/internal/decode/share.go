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

// find returns the run of a hash, or one that is nobody's yet.
func (s *shared) find(hash uint64) (r *run, met bool) {
	b := &s.buckets[hash>>(64-bucketBits)]
	for i := range b.runs {
		if r := &b.runs[i]; r.hash == hash {
			return r, true
		}
	}
	r = &b.runs[b.oldest]
	b.oldest = (b.oldest + 1) % uint8(len(b.runs))
	*r = run{hash: hash, attrs: r.attrs[:0]}
	return r, false
}

// run is one list of attributes that was met. Its values are made when it is met again.
type run struct {
	hash  uint64
	slots [repeatSlots / 64]uint64 // those of a span's attributes
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
	hash, ok := hashOf(attrs)
	if !ok || !d.shared.on {
		return d.newBoxes(attrs, more)
	}
	r, met := d.shared.find(hash)
	switch {
	case !met:
		return d.newBoxes(attrs, more)
	case r.built == nil:
		d.build(r, attrs)
	case !equal(r.attrs, attrs):
		return d.newBoxes(attrs, more)
	}
	return d.shared.copyOf(r, more)
}

// newSpanMap is newMap for what tends to repeat of a span: it is compared where it is.
func (d *Decoder) newSpanMap(more int) *xpdata.MapBuilder {
	repeats := &d.repeats
	if repeats.own || repeats.hash == 0 || !d.shared.on { // no attributes have no hash
		return d.newBoxes(repeats.list(), more)
	}
	r, met := d.shared.find(repeats.hash)
	switch {
	case !met:
		return d.newBoxes(repeats.list(), more)
	case r.built == nil:
		d.build(r, repeats.list())
		r.slots = repeats.set
	case r.slots != repeats.set || !repeats.are(r.attrs):
		return d.newBoxes(repeats.list(), more)
	}
	return d.shared.copyOf(r, more)
}

func (d *Decoder) newBoxes(attrs []attr, more int) *xpdata.MapBuilder {
	b := &d.shared.builders[0]
	b.EnsureCapacity(len(attrs) + more)
	d.appendAll(b, attrs)
	return b
}

// build makes the values of a run.
func (d *Decoder) build(r *run, attrs []attr) {
	r.attrs = append(r.attrs, attrs...)
	r.built = make([]xpdata.MapBuilder, 1)
	r.built[0].EnsureCapacity(len(attrs))
	d.appendAll(&r.built[0], attrs)
}

// copyOf returns a builder with the values of a run. A builder has no method that copies it. Its list of pairs is copied by the
// EnsureCapacity that follows, as it is longer.
func (s *shared) copyOf(r *run, more int) *xpdata.MapBuilder {
	copy(s.builders, r.built)
	s.builders[0].EnsureCapacity(len(r.attrs) + max(1, more))
	return &s.builders[0]
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
