package convert

import (
	"slices"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// entry is a value that is written, and where to.
type entry struct {
	node int
	to   *field
}

// plan is where the members of a shape's events go, looked up once for all of
// them. What is said elsewhere in OTLP or is private is not in it.
type plan struct {
	dotted   bool    // a member name holds a dot: two paths may spell the same key
	resource []entry // what describes the app and the device
	fixed    []entry // of the rest, those that are one attribute, a scalar, whatever the value
	free     []entry // those that are none or several, or a list
	raw      []entry // those without a name in the conventions: they come last

	envelope [envelopeSlots]int // what describes the app and the device, any may be event.None
	usual    int                // attributes of the last event
}

// planOf returns the plan of the event's shape.
func (w *Writer) planOf(doc *event.Doc) *plan {
	if p, ok := doc.Memo.(*plan); ok {
		return p
	}
	p := new(plan)
	doc.Memo = p
	p.describe(doc)
	for i := range doc.Members(0) {
		switch {
		case resourceSlot(doc.Key(i)) >= 0:
			w.collect(p, doc, i, eventRoot, p.addResource)
		case i == doc.Internal():
			for j := range doc.Members(i) {
				if internalSlot(doc.Key(j)) < 0 {
					w.collect(p, doc, j, eventInternal, p.addEvent)
				}
			}
		default:
			w.collect(p, doc, i, eventRoot, p.addEvent)
		}
	}
	for j := range doc.Members(doc.Internal()) {
		if internalSlot(doc.Key(j)) >= 0 {
			w.collect(p, doc, j, eventInternal, p.addResource)
		}
	}
	slices.SortStableFunc(p.resource, func(a, b entry) int {
		switch {
		case a.to.raw == b.to.raw:
			return 0
		case b.to.raw:
			return -1
		}
		return 1
	})
	return p
}

// describe finds what describes the app and the device.
func (p *plan) describe(doc *event.Doc) {
	for slot := range p.envelope {
		p.envelope[slot] = event.None
	}
	for j := range doc.Members(0) {
		if slot := resourceSlot(doc.Key(j)); slot >= 0 {
			p.envelope[slot] = j
		}
	}
	for j := range doc.Members(doc.Internal()) {
		if slot := internalSlot(doc.Key(j)); slot >= 0 {
			p.envelope[slot] = j
		}
	}
}

// collect adds what is written of node i, a member of the object that goes to
// parent: the node itself or, of an object, its members.
func (w *Writer) collect(p *plan, doc *event.Doc, i int, parent *field, add func(event.Kind, entry)) {
	f, kind := w.fields.get(parent, doc.Key(i)), doc.Kind(i)
	p.dotted = p.dotted || f.dotted
	switch {
	case f.rule == ruleDrop:
	case kind != event.Object && !w.raw.writes(f):
	case kind == event.Object && doc.Empty(i):
		if w.raw == RawKeep {
			add(kind, entry{i, f})
		}
	case kind != event.Object:
		add(kind, entry{i, f})
	default:
		for j := range doc.Members(i) {
			w.collect(p, doc, j, f, add)
		}
	}
}

func (p *plan) addResource(_ event.Kind, e entry) { p.resource = append(p.resource, e) }

func (p *plan) addEvent(kind event.Kind, e entry) {
	switch {
	case e.to.raw:
		p.raw = append(p.raw, e)
	case kind != event.Object && kind != event.Array && (e.to.rule == ruleKeep || e.to.rule == ruleURL):
		p.fixed = append(p.fixed, e)
	default:
		p.free = append(p.free, e)
	}
}
