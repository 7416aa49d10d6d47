package decode

import "github.com/otelcol-obs/otelcol-obs/ddcontext"

// jsonReader walks over a JSON text. From the first thing on that is no JSON it is bad, and finds nothing any more.
type jsonReader struct {
	in    string
	pos   int
	first bool // the list or object was opened just now
	bad   bool
	out   []byte // room for what a transcoder makes of a part of it

	tape *jsonTape
	// The steps from at to left are still those of the old text, and at is the next.
	at, left int
	// The bytes up to same are equal to those shift before them in the old text.
	shift, same int
}

// next skips blanks and returns the byte that follows, 0 at the end.
func (t *jsonReader) next() byte {
	for ; t.pos < len(t.in); t.pos++ {
		if c := t.in[t.pos]; c > ' ' {
			return c
		}
	}
	return 0
}

// take steps over the byte c.
func (t *jsonReader) take(c byte) {
	if t.next() != c {
		t.bad = true
		return
	}
	t.pos++
}

// open steps into a list or an object, by its bracket.
func (t *jsonReader) open(bracket byte) {
	t.take(bracket)
	t.first = true
}

// more steps to the next element of what was opened, or over its end.
func (t *jsonReader) more(end byte) bool {
	c, first := t.next(), t.first
	t.first = false
	if c == end {
		t.pos++
		return false
	}
	if !first {
		t.take(',')
	}
	return !t.bad
}

// field steps to the value of the next field of the object that was opened, or over its end.
func (t *jsonReader) field() (name string, ok bool) {
	if !t.more('}') {
		return "", false
	}
	if t.next() != '"' {
		t.bad = true
		return "", false
	}
	name = t.string()
	t.take(':')
	return name, !t.bad
}

// string reads a string at its quote. The result lives until the next.
func (t *jsonReader) string() string {
	// One plain loop: most strings of a tag are so short that calling IndexByte twice costs more.
	rest := t.in[t.pos+1:]
	for end := range len(rest) {
		switch rest[end] {
		case '"':
			t.pos += end + 2
			return rest[:end]
		case '\\':
			e := transcoder{in: t.in, pos: t.pos, out: t.out[:0]}
			t.bad = !e.escaped() || t.bad
			t.pos, t.out = e.pos, e.out
			return string(t.out[5:])
		}
	}
	t.bad = true
	return ""
}

// number is a number and its text. abs and negative are its value when it is an integer of at most 19 digits.
type number struct {
	text              string
	abs               uint64
	integer, negative bool
}

// int returns an integer that fits in 64 bits with a sign.
func (n number) int() (int64, bool) {
	i := int64(n.abs)
	if n.negative {
		i = -i
	}
	return i, n.integer && (n.abs == 0 || (i < 0) == n.negative)
}

func (t *jsonReader) number() (n number) {
	t.next()
	start := t.pos
	if start < len(t.in) && t.in[start] == '-' {
		n.negative = true
		t.pos++
	}
	digits := t.pos
	for ; t.pos < len(t.in); t.pos++ {
		digit := t.in[t.pos] - '0'
		if digit > 9 {
			break
		}
		n.abs = n.abs*10 + uint64(digit)
	}
	size := t.pos - digits
	n.integer = size <= 19
	for t.pos < len(t.in) && inNumber(t.in[t.pos]) {
		n.integer = false
		t.pos++
	}
	n.text = t.in[start:t.pos]
	if size == 0 || len(n.text) > 400 {
		t.bad = true
	}
	return n
}

// inNumber tells the bytes of a number.
func inNumber(c byte) bool { return c-'0' <= 9 || c == '-' || c == '.' || c|0x20 == 'e' || c == '+' }

// id reads an integer, or one as 16 or 32 hexadecimal or any number of decimal digits in quotes. What is neither is 0.
func (t *jsonReader) id() (high, low uint64) {
	switch c := t.next(); {
	case c == '"':
		text := t.string()
		switch len(text) {
		case 32:
			high, low, _ = ddcontext.ParseHex128(text)
		case 16:
			low, _ = ddcontext.ParseHex64(text)
		default:
			low, _ = ddcontext.ParseUint64(text)
		}
	case inNumber(c):
		n := t.number()
		if n.integer && !n.negative {
			return 0, n.abs
		}
		low, _ = ddcontext.ParseUint64(n.text)
	default:
		t.skip()
	}
	return high, low
}

// nested steps over a list or object and notes where it is.
func (t *jsonReader) nested(a *attr) {
	start := t.pos
	t.skip()
	a.kind, a.number = attrJSON, uint64(start)<<32|uint64(t.pos)
}

// skip steps over any value.
func (t *jsonReader) skip() {
	e := transcoder{in: t.in, pos: t.pos, out: t.out[:0]}
	t.bad = !e.value(0) || t.bad
	t.pos, t.out = e.pos, e.out
}
