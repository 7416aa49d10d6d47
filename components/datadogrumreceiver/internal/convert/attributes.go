package datadogrumreceiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// attributes is the set that is being written.
type attributes struct {
	list   xpdata.MapBuilder
	doc    *jsonDoc // the event
	asSpan bool     // ids and durations of the event become those of a span
}

// event begins the attributes of a span or record: all that e says and its
// Resource does not.
func (w *writer) event(e *event, asSpan bool) {
	doc := &e.doc
	p := w.planOf(doc)
	w.attrs.doc, w.attrs.asSpan = doc, asSpan
	w.attrs.list.EnsureCapacity(p.usual)
	w.fixed(&w.attrs.list, doc)
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
func (w *writer) put(key string) pcommon.Value { return w.attrs.list.AppendEmpty(key) }

// into ends the attributes that event began.
func (w *writer) into(attrs pcommon.Map) {
	w.attrs.list.UnsafeIntoMap(attrs)
	doc := w.attrs.doc
	p := &doc.plan
	p.usual = attrs.Len()
	if p.dotted {
		dropRepeated(attrs)
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
