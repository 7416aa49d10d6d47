package datadogrumreceiver

// entry is a value that is written, and where to.
type entry struct {
	node int
	to   *field
}

// plan is where the members of a shape's events go, looked up once for all of
// them. What is said elsewhere in OTLP or is private is not in it.
type plan struct {
	made     bool
	dotted   bool    // a member name holds a dot: two paths may spell the same key
	resource []entry // what describes the app and the device
	event    []entry // the rest
}

// plan returns the plan for doc.
func (w *writer) plan(doc *jsonDoc) *plan {
	p := &doc.plan
	if p.made {
		return p
	}
	p.made = true
	for i := range doc.members(0) {
		switch {
		case resourceSlot(doc.nodes[i].key) >= 0:
			p.resource = w.collect(p, p.resource, doc, i, eventRoot)
		case i == doc.dd:
			for j := range doc.members(i) {
				if internalSlot(doc.nodes[j].key) < 0 {
					p.event = w.collect(p, p.event, doc, j, eventInternal)
				}
			}
		default:
			p.event = w.collect(p, p.event, doc, i, eventRoot)
		}
	}
	for j := range doc.members(doc.dd) {
		if internalSlot(doc.nodes[j].key) >= 0 {
			p.resource = w.collect(p, p.resource, doc, j, eventInternal)
		}
	}
	return p
}

// collect appends to list what is written of node i, a member of the object
// that goes to parent: the node itself or, of an object, its members.
func (w *writer) collect(p *plan, list []entry, doc *jsonDoc, i int, parent *field) []entry {
	f := w.fields.get(parent, doc.nodes[i].key)
	p.dotted = p.dotted || f.dotted
	switch {
	case f.rule == ruleDrop:
		return list
	case doc.values[i].kind != jsonObject || int(doc.nodes[i].next) == i+1:
		return append(list, entry{i, f})
	}
	for j := range doc.members(i) {
		list = w.collect(p, list, doc, j, f)
	}
	return list
}
