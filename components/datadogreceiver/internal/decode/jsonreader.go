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

// word reads a number.
func (t *jsonReader) word() (string, bool) {
	t.next()
	start := t.pos
	for t.pos < len(t.in) {
		if c := t.in[t.pos]; (c < '0' || c > '9') && c != '-' && c != '.' && c != 'e' && c != 'E' && c != '+' {
			break
		}
		t.pos++
	}
	return t.in[start:t.pos], t.pos > start && t.pos-start <= 400
}

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
	if word, ok := t.word(); ok {
		low, _ = ddcontext.ParseUint64(word)
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
