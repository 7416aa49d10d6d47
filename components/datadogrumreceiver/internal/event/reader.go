package datadogrumreceiver

import (
	"slices"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/internal/bytestr"
)

// Events of one type have the same members in the same order, nearly always, and
// much of what one says the last one said: application, session, view, user,
// device. So an event is compared with the last of its kind, and only where they
// differ is it parsed: a quarter of the time (BenchmarkReadEvent).

// shape is what events have in common, and the one of them that others are
// compared with.
type shape struct {
	nodes []jsonNode
	places
	plan plan

	line   string      // a copy: it must not hold on to a body
	base   []jsonValue // what it says, cut out of line
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

// jsonDoc is one event: its shape and what it says in each node. Node 0 is the
// event itself.
type jsonDoc struct {
	*shape
	values []jsonValue
}

// jsonReader reads events. The zero value is ready.
type jsonReader struct {
	parser jsonParser
	shapes []*shape    // of the last events, the very last first
	values []jsonValue // of the events since reset, but the first of each shape
	size   int         // values of all events since reset
	batch  int
	differ []difference
}

// difference is a value that is not that of the shape's own event.
type difference struct {
	leaf  int
	size  int32 // of its text
	value jsonValue
}

// reset forgets the events and keeps their shapes.
func (r *jsonReader) reset() {
	const maxKept = 50_000
	if cap(r.values) > maxKept {
		r.values = nil
	}
	clear(r.values) // they hold on to what was read
	clear(r.differ[:cap(r.differ)])
	r.values, r.parser.src, r.size = r.values[:0], "", 0
	r.batch++
}

// read reads one event. What it returns is valid until reset.
func (r *jsonReader) read(line string) (jsonDoc, error) {
	if len(line) > maxShapeText {
		doc, err := r.parse(line)
		r.parser = jsonParser{} // its lists hold on to the line, and may be long
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
		r.shapes = slices.Insert(r.shapes, 0, doc.shape)
		r.shapes = r.shapes[:min(len(r.shapes), maxShapes)]
	}
	return doc, err
}

// parse reads an event whole.
func (r *jsonReader) parse(line string) (jsonDoc, error) {
	if err := r.parser.parse(line); err != nil {
		return jsonDoc{}, err
	}
	p := &r.parser
	s := &shape{nodes: slices.Clone(p.nodes), line: line, base: slices.Clone(p.values), leaves: slices.Clone(p.leaves), batch: r.batch}
	doc := jsonDoc{s, s.base}
	s.places = placesOf(doc)
	r.size += len(s.nodes)
	return doc, nil
}

// like finds where line differs from the shape's own event. It reports false
// when they are of different shapes or types.
func (r *jsonReader) like(s *shape, line string) bool {
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
		if next == len(s.leaves) || int(s.leaves[next].start) > own || int(s.leaves[next].node) == s.typ {
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
		r.differ = append(r.differ, difference{next, int32(p.pos - start), value}) //nolint:gosec // an event is shorter
		at, own = p.pos, int(l.end)
		next++
	}
}

// event makes an event of line, which was found to be like s. The first of a
// batch becomes the one that the others are compared with: they come from the
// same page or device.
func (r *jsonReader) event(s *shape, line string) jsonDoc {
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
	return jsonDoc{s, values}
}

// adopt makes line the shape's own event.
func (s *shape) adopt(line string, differ []difference) {
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
		case value.kind == jsonNumber:
			value.str = text
		case value.kind == jsonString && len(value.str) == len(text)-len(`""`): // else it was escaped and is a copy
			value.str = text[1 : len(text)-1]
		}
	}
}
