package decode

import "github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"

// jsonReader walks over a JSON text. Every method returns false when the text is no JSON.
type jsonReader struct {
	in  string
	pos int
	out []byte // room for what a transcoder makes of a part of it
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

func (t *jsonReader) array(element func() bool) bool {
	if t.next() != '[' {
		return false
	}
	t.pos++
	if t.next() == ']' {
		t.pos++
		return true
	}
	for {
		if !element() {
			return false
		}
		c := t.next()
		t.pos++
		if c == ']' {
			return true
		}
		if c != ',' {
			return false
		}
	}
}

func (t *jsonReader) object(field func(name string) bool) bool {
	t.pos++
	if t.next() == '}' {
		t.pos++
		return true
	}
	for {
		if t.next() != '"' {
			return false
		}
		name, ok := t.string()
		if !ok || t.next() != ':' {
			return false
		}
		t.pos++
		if !field(name) {
			return false
		}
		c := t.next()
		t.pos++
		if c == '}' {
			return true
		}
		if c != ',' {
			return false
		}
	}
}

// string reads a string at its quote. The result lives until the next.
func (t *jsonReader) string() (string, bool) {
	// One plain loop: most strings of a tag are so short that calling IndexByte twice costs more.
	rest := t.in[t.pos+1:]
	end := 0
	for end < len(rest) && rest[end] != '"' && rest[end] != '\\' {
		end++
	}
	if end == len(rest) {
		return "", false
	}
	if rest[end] == '"' {
		t.pos += end + 2
		return rest[:end], true
	}
	e := transcoder{in: t.in, pos: t.pos, out: t.out[:0]}
	ok := e.escaped()
	t.pos, t.out = e.pos, e.out
	if !ok {
		return "", false
	}
	return string(t.out[5:]), true
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

func (t *jsonReader) number() (n number, ok bool) {
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
	return n, size > 0 && len(n.text) <= 400
}

// inNumber tells the bytes of a number.
func inNumber(c byte) bool { return c-'0' <= 9 || c == '-' || c == '.' || c|0x20 == 'e' || c == '+' }

// id reads an integer, or one as 16 or 32 hexadecimal or any number of decimal digits in quotes. What is neither is 0.
func (t *jsonReader) id() (high, low uint64, ok bool) {
	if t.next() == '"' {
		text, ok := t.string()
		switch len(text) {
		case 32:
			high, low, _ = ddcontext.ParseHex128(text)
		case 16:
			low, _ = ddcontext.ParseHex64(text)
		default:
			low, _ = ddcontext.ParseUint64(text)
		}
		return high, low, ok
	}
	at := t.pos
	if n, ok := t.number(); ok {
		if n.integer && !n.negative {
			return 0, n.abs, true
		}
		low, _ = ddcontext.ParseUint64(n.text)
		return 0, low, true
	}
	t.pos = at
	return 0, 0, t.skip()
}

// nested steps over a list or map and notes where it is.
func (t *jsonReader) nested(a *attr) bool {
	start := t.pos
	ok := t.skip()
	a.kind, a.number = attrJSON, uint64(start)<<32|uint64(t.pos)
	return ok
}

// skip steps over any value.
func (t *jsonReader) skip() bool {
	e := transcoder{in: t.in, pos: t.pos, out: t.out[:0]}
	ok := e.value(0)
	t.pos, t.out = e.pos, e.out
	return ok
}
