package convert

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// attributes is the set that is being written.
type attributes struct {
	list   xpdata.MapBuilder
	doc    *event.Doc // the event
	plan   *plan      // of it
	stack  string     // of the event in its source, "" when it is not known
	asSpan bool       // ids and durations of the event become those of a span
}

// event begins the attributes of a span or record: all that e says under names
// of the conventions and its Resource does not.
func (w *Writer) event(e *event.Event, asSpan bool) {
	doc := &e.Doc
	p := w.planOf(doc)
	w.attrs.doc, w.attrs.plan, w.attrs.asSpan = doc, p, asSpan
	w.attrs.list.EnsureCapacity(max(p.usual, len(p.fixed)))
	for _, e := range p.fixed {
		w.value(doc, e.node, e.to, w.put(e.to.key))
	}
	for i := range p.free {
		w.attribute(doc, &p.free[i])
	}
}

// put appends one attribute.
func (w *Writer) put(key string) pcommon.Value { return w.attrs.list.AppendEmpty(key) }

// into ends the attributes that event began: what has no such name comes last,
// so that a backend that counts attributes cuts off the least.
func (w *Writer) into(attrs pcommon.Map) {
	p := w.attrs.plan
	for i := range p.raw {
		w.attribute(w.attrs.doc, &p.raw[i])
	}
	w.attrs.list.UnsafeIntoMap(attrs)
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
