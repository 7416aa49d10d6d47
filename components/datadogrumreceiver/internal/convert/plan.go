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
	fixed    []entry // of the rest, those that are one attribute, a scalar, whatever the value
	free     []entry // those that are none or several, or a list

	usual int // attributes of the last event
}

// planOf returns the plan of the event's shape.
func (w *writer) planOf(doc *jsonDoc) *plan {
	p := &doc.plan
	if p.made {
		return p
	}
	p.made = true
	for i := range doc.members(0) {
		switch {
		case resourceSlot(doc.nodes[i].key) >= 0:
			w.collect(p, doc, i, eventRoot, p.addResource)
		case i == doc.dd:
			for j := range doc.members(i) {
				if internalSlot(doc.nodes[j].key) < 0 {
					w.collect(p, doc, j, eventInternal, p.addEvent)
				}
			}
		default:
			w.collect(p, doc, i, eventRoot, p.addEvent)
		}
	}
	for j := range doc.members(doc.dd) {
		if internalSlot(doc.nodes[j].key) >= 0 {
			w.collect(p, doc, j, eventInternal, p.addResource)
		}
	}
	return p
}

// collect adds what is written of node i, a member of the object that goes to
// parent: the node itself or, of an object, its members.
func (w *writer) collect(p *plan, doc *jsonDoc, i int, parent *field, add func(jsonKind, entry)) {
	f, kind := w.fields.get(parent, doc.nodes[i].key), doc.values[i].kind
	p.dotted = p.dotted || f.dotted
	switch {
	case f.rule == ruleDrop:
	case kind != jsonObject || int(doc.nodes[i].next) == i+1:
		add(kind, entry{i, f})
	default:
		for j := range doc.members(i) {
			w.collect(p, doc, j, f, add)
		}
	}
}

func (p *plan) addResource(_ jsonKind, e entry) { p.resource = append(p.resource, e) }

func (p *plan) addEvent(kind jsonKind, e entry) {
	if kind != jsonObject && kind != jsonArray && (e.to.rule == ruleKeep || e.to.rule == ruleURL) {
		p.fixed = append(p.fixed, e)
	} else {
		p.free = append(p.free, e)
	}
}
