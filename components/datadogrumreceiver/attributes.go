package datadogrumreceiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// An attribute value of pdata is a box of its own on the heap, and most
// attributes of an event are those of the one before: application, session,
// view, user… So the events of a shape share the boxes of what is the same: that
// is half of the allocations and a sixth of the time (BenchmarkResourceEvent).
// Package boxshare says why that is safe, and when.

// attributes is the set that is being written.
type attributes struct {
	list   []xpdata.MapBuilder // one, in a slice because that is how it can be copied
	doc    *jsonDoc            // the event
	asSpan bool                // ids and durations of the event become those of a span
}

// event begins the attributes of a span or record: all that e says and its
// Resource does not.
func (w *writer) event(e *event, asSpan bool) {
	doc, list := &e.doc, w.attrs.list
	p := w.planOf(doc)
	w.attrs.doc, w.attrs.asSpan = doc, asSpan
	if w.share {
		if p.shared == nil {
			p.shared = make([]xpdata.MapBuilder, 1)
			w.fixed(&p.shared[0], &jsonDoc{doc.shape, doc.base})
		}
		// The builder is copied, its list not yet: EnsureCapacity does that, as it must be longer.
		copy(list, p.shared)
		list[0].EnsureCapacity(max(p.usual, len(p.fixed)+1))
	} else {
		list[0].EnsureCapacity(p.usual)
		w.fixed(&list[0], doc)
	}
	for i := range p.free {
		w.attribute(doc, &p.free[i])
	}
}

// fixed writes the attributes that every event of the shape has, in order.
func (w *writer) fixed(to *xpdata.MapBuilder, doc *jsonDoc) {
	to.EnsureCapacity(len(doc.plan.fixed))
	for _, e := range doc.plan.fixed {
		w.value(doc, e.node, e.to, to.AppendEmpty(e.to.key))
	}
}

// put appends one attribute.
func (w *writer) put(key string) pcommon.Value { return w.attrs.list[0].AppendEmpty(key) }

// into ends the attributes that event began.
func (w *writer) into(attrs pcommon.Map) {
	w.attrs.list[0].UnsafeIntoMap(attrs)
	doc := w.attrs.doc
	p := &doc.plan
	p.usual = attrs.Len()
	if w.share {
		w.unshare(doc, attrs)
	}
	if p.dotted {
		dropRepeated(attrs)
	}
}

// unshare puts what doc says in the place of what its shape's own event says.
func (w *writer) unshare(doc *jsonDoc, attrs pcommon.Map) {
	fixed, i := doc.plan.fixed, 0
	for _, value := range attrs.All() {
		if i == len(fixed) {
			return
		}
		if e := &fixed[i]; doc.values[e.node] != doc.base[e.node] {
			w.value(doc, e.node, e.to, value)
		}
		i++
	}
}

// dropRepeated leaves the first of the attributes that have the same key.
func dropRepeated(attrs pcommon.Map) {
	seen := make(map[string]struct{}, attrs.Len())
	attrs.RemoveIf(func(key string, _ pcommon.Value) bool {
		_, twice := seen[key]
		seen[key] = struct{}{}
		return twice
	})
}
