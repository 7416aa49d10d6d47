package event

import (
	"slices"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/internal/bytestr"
)

// Events of one type have the same members in the same order, nearly always, and
// much of what one says the last one said: application, session, view, user,
// device. So an event is compared with the last of its kind, and only where they
// differ is it parsed. On batches shuffled from every kind of captured event that
// saves a third of the whole conversion's processor time (BenchmarkVariedBodies).

// Shape is what events have in common, and the one of them that others are
// compared with.
type Shape struct {
	// Memo is what a writer worked out for all events of the shape.
	Memo any

	nodes []node
	places

	line   string  // a copy: it must not hold on to a body
	base   []value // what it says, cut out of line
	leaves []leaf
	batch  int
}

const (
	maxShapes = 16 // a page has about ten: requests with and without timings, views, clicks, long tasks…
	// A longer event is read whole: comparing it with 16 others must not cost a
	// stranger's megabyte 16 times.
	maxShapeText  = 16 << 10
	maxShapeNodes = 1024
)

// Doc is one event: its shape and what it says in each node. Node 0 is the
// event itself.
type Doc struct {
	*Shape
	values []value
}

// Reader reads events. The zero value is ready.
type Reader struct {
	parser parser
	shapes []*Shape // of the last events, the very last first
	values []value  // of the events since reset, but the first of each shape
	size   int      // values of all events since reset
	batch  int
	differ []difference
}

// difference is a value that is not that of the shape's own event.
type difference struct {
	leaf  int
	size  int32 // of its text
	value value
}

// Reset forgets the events and keeps their shapes.
func (r *Reader) Reset() {
	const maxKept = 50_000
	if cap(r.values) > maxKept {
		r.values = nil
	}
	clear(r.values) // they hold on to what was read
	clear(r.differ[:cap(r.differ)])
	r.values, r.parser.src, r.size = r.values[:0], "", 0
	r.batch++
}

// Read reads one event. What it returns is valid until Reset.
func (r *Reader) Read(line string) (Doc, error) {
	if len(line) > maxShapeText {
		doc, err := r.parse(line)
		r.parser = parser{} // its lists hold on to the line, and may be long
		return doc, err
	}
	for i, s := range r.shapes {
		if r.like(s, line) {
			copy(r.shapes[1:], r.shapes[:i])
			r.shapes[0] = s
			return r.event(s, line), nil
		}
	}
	doc, err := r.parse(strings.Clone(line))
	if err == nil && doc.kind != "" && len(doc.nodes) <= maxShapeNodes {
		r.shapes = slices.Insert(r.shapes, 0, doc.Shape)
		r.shapes = r.shapes[:min(len(r.shapes), maxShapes)]
	}
	return doc, err
}

// Size is the number of values of all events since Reset.
func (r *Reader) Size() int { return r.size }

// parse reads an event whole.
func (r *Reader) parse(line string) (Doc, error) {
	if err := r.parser.parse(line); err != nil {
		return Doc{}, err
	}
	p := &r.parser
	s := &Shape{nodes: slices.Clone(p.nodes), line: line, base: slices.Clone(p.values), leaves: slices.Clone(p.leaves), batch: r.batch}
	doc := Doc{s, s.base}
	s.places = placesOf(doc)
	r.size += len(s.nodes)
	return doc, nil
}

// like finds where line differs from the shape's own event. It reports false
// when they are of different shapes or types.
func (r *Reader) like(s *Shape, line string) bool {
	r.differ = r.differ[:0]
	at, own, next := 0, 0, 0
	for {
		same := bytestr.CommonPrefix(line[at:], s.line[own:])
		at, own = at+same, own+same
		if own == len(s.line) {
			return at == len(line)
		}
		// A number may go on where the other one ends, so its end is part of it.
		for next < len(s.leaves) && int(s.leaves[next].end) < own {
			next++
		}
		if next == len(s.leaves) || int(s.leaves[next].start) > own || int(s.leaves[next].node) == s.at[atType] {
			return false
		}
		l := &s.leaves[next]
		start := at - (own - int(l.start))
		p := &r.parser
		p.src, p.pos = line, start
		value, err := p.scalar()
		if err != nil {
			return false
		}
		r.differ = append(r.differ, difference{next, int32(p.pos - start), value})
		at, own = p.pos, int(l.end)
		next++
	}
}

// event makes an event of line, which was found to be like s. The first of a
// batch becomes the one that the others are compared with: they come from the
// same page or device.
func (r *Reader) event(s *Shape, line string) Doc {
	r.size += len(s.base)
	if s.batch != r.batch {
		s.batch = r.batch
		s.adopt(line, r.differ)
	}
	first := len(r.values)
	r.values = append(r.values, s.base...)
	values := r.values[first:]
	for _, d := range r.differ {
		values[s.leaves[d.leaf].node] = d.value
	}
	return Doc{s, values}
}

// adopt makes line the shape's own event.
func (s *Shape) adopt(line string, differ []difference) {
	s.line = strings.Clone(line)
	moved := int32(0)
	for i := range s.leaves {
		l := &s.leaves[i]
		l.start, l.end = l.start+moved, l.end+moved
		value := &s.base[l.node]
		if len(differ) > 0 && differ[0].leaf == i {
			moved += differ[0].size - (l.end - l.start)
			l.end = l.start + differ[0].size
			*value, differ = differ[0].value, differ[1:]
		}
		switch text := s.line[l.start:l.end]; {
		case value.kind == Number:
			value.str = text
		case value.kind == String && len(value.str) == len(text)-len(`""`): // else it was escaped and is a copy
			value.str = text[1 : len(text)-1]
		}
	}
}
