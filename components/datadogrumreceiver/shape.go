package datadogrumreceiver

// The events of one type have the same members in the same order, nearly
// always. A shape is the fields of the last one, so that the next is written
// by comparing short names instead of looking long paths up.
type shape struct {
	fields []shapeField
	at     int
	same   bool // all members so far were those of the last event
}

// shapeField is one member, object or value. Depth and order tell where it is:
// as long as all before it were the same, so are the objects it is in.
type shapeField struct {
	*field
	depth uint8
}

const maxShape = 512

// find returns where the value n, a member of parent, goes.
func (w *writer) find(parent *field, n *jsonNode) *field {
	s := w.shape
	if s == nil {
		return w.fields.get(parent, n.key)
	}
	if s.same && s.at < len(s.fields) {
		if f := &s.fields[s.at]; f.depth == n.depth && f.name == n.key {
			s.at++
			return f.field
		}
	}
	if s.same {
		s.same, s.fields = false, s.fields[:s.at]
	}
	f := w.fields.get(parent, n.key)
	if len(s.fields) < maxShape {
		s.fields = append(s.fields, shapeField{f, n.depth})
	}
	return f
}
