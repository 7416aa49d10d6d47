package wire

import "github.com/otelcol-obs/otelcol-obs/internal/otlpwire"

// limit is how large a part may be.
type limit struct {
	size    int
	inBytes bool // else in items
}

// part is one of the messages that a split makes.
type part struct {
	data  []byte
	items int
}

// split cuts the request that chunks are together into parts within the limit,
// in order. Whatever surrounds an item is repeated in each part that holds one of
// its items, unknown fields included. A single item above a limit in bytes is a
// part of its own.
//
// A request that can't be read to its end is an error.
func split(s *otlpwire.Signal, chunks [][]byte, most limit) ([]part, error) {
	c := &cutter{signal: s, most: most}
	for _, chunk := range chunks {
		if err := c.message(chunk, 0); err != nil {
			return nil, err
		}
	}
	c.end()
	return c.parts, nil
}

// cutter builds one part after the other. The messages that lead to the current
// item are open: they get their length when they or the part end.
type cutter struct {
	signal *otlpwire.Signal
	most   limit
	open   [6]openMessage // by depth; open[0] is the request
	depth  int            // of the innermost open message
	items  int            // in the part
	parts  []part
}

// openMessage is a message whose end has not come.
type openMessage struct {
	number uint64 // the field it is in the message around it
	head   []byte // its fields that lead to no items
	body   []byte // those of its fields that do and have ended
	cut    bool   // an earlier part holds some of its items
}

// message reads a message whose fields at this depth lead to items.
func (c *cutter) message(message []byte, depth int) error {
	m := &c.open[depth]
	// What is around the items comes first, wherever it stands: each part needs it.
	for rest := message; len(rest) > 0; {
		f, after, err := otlpwire.Next(rest)
		if err != nil {
			return err
		}
		leads, err := c.signal.Leads(depth, &f)
		if err != nil {
			return err
		}
		if !leads {
			m.head = append(m.head, f.Raw...)
		}
		rest = after
	}
	for rest := message; len(rest) > 0; {
		f, after, _ := otlpwire.Next(rest) // was read above
		rest = after
		switch leads, _ := c.signal.Leads(depth, &f); {
		case !leads:
		case c.signal.Items(depth):
			c.add(f.Raw, 1)
		default:
			if err := c.inner(&f, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// inner reads a message that surrounds items, and puts it into the one around it.
func (c *cutter) inner(f *otlpwire.Field, depth int) error {
	m := &c.open[depth]
	*m = openMessage{number: f.Number, head: m.head[:0], body: m.body[:0]}
	c.depth = depth
	err := c.message(f.Content, depth)
	c.depth = depth - 1
	switch {
	case err != nil:
		return err
	case len(m.body) > 0:
		around := &c.open[depth-1]
		around.body = otlpwire.AppendMessage(around.body, m.number, m.head, m.body)
	case !m.cut: // else all of it is in earlier parts
		c.add(f.Raw, 0)
	}
	return nil
}

// add puts a field of the innermost open message into the part, or into the next
// one if it does not fit.
func (c *cutter) add(raw []byte, items int) {
	if c.items > 0 && !c.fits(len(raw), items) {
		c.end()
	}
	m := &c.open[c.depth]
	m.body = append(m.body, raw...)
	c.items += items
}

func (c *cutter) fits(size, items int) bool {
	if !c.most.inBytes {
		return c.items+items <= c.most.size
	}
	for i := c.depth; ; i-- {
		m := &c.open[i]
		size += len(m.head) + len(m.body)
		if i == 0 {
			return size <= c.most.size
		}
		size = otlpwire.MessageSize(m.number, size)
	}
}

// end closes the part. What is open stays so, without the items it had.
func (c *cutter) end() {
	if c.items == 0 && len(c.open[0].body) == 0 && len(c.open[0].head) == 0 {
		return
	}
	for i := c.depth; i > 0; i-- {
		m, around := &c.open[i], &c.open[i-1]
		if len(m.body) == 0 {
			continue // its items are all in the parts to come
		}
		around.body = otlpwire.AppendMessage(around.body, m.number, m.head, m.body)
		m.body, m.cut = m.body[:0], true
	}
	request := &c.open[0]
	data := append(append(make([]byte, 0, len(request.head)+len(request.body)), request.head...), request.body...)
	c.parts = append(c.parts, part{data, c.items})
	request.body, c.items = request.body[:0], 0
}
