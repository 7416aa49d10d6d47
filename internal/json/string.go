package json

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. It is a part of the text unless it holds escapes. Anything else ends the reading and is empty.
func (r *Reader) String() string {
	plain, ok := r.plain()
	if ok {
		return plain
	}
	if r.err != nil {
		return ""
	}
	r.buf = append(r.buf[:0], plain...)
	r.escaped()
	if r.err != nil {
		return ""
	}
	return string(r.buf)
}

// skipString steps over a string and checks its escapes.
func (r *Reader) skipString() {
	if _, ok := r.plain(); !ok && r.err == nil {
		r.buf = r.buf[:0]
		r.escaped()
	}
}

// plain reads a string up to its end or, with false, to its first escape.
func (r *Reader) plain() (string, bool) {
	if r.peek() != '"' {
		r.fail(ErrSyntax)
		return "", false
	}
	start := r.pos + 1
	for i := start; i < len(r.in); i++ {
		switch c := r.in[i]; {
		case c == '"':
			r.pos = i + 1
			return r.in[start:i], true
		case c == '\\':
			r.pos = i
			return r.in[start:i], false
		case c < ' ' && !r.AllowControl:
			r.fail(ErrSyntax)
			return "", false
		}
	}
	r.fail(ErrSyntax)
	return "", false
}

// escaped reads the rest of a string into buf, from its first escape on.
func (r *Reader) escaped() {
	for r.pos < len(r.in) {
		c := r.in[r.pos]
		r.pos++
		switch {
		case c == '"':
			return
		case c == '\\':
			r.escape()
			continue
		case c < ' ' && !r.AllowControl:
			r.fail(ErrSyntax)
			return
		}
		r.buf = append(r.buf, c)
	}
	r.fail(ErrSyntax)
}

// escape reads what follows a backslash.
func (r *Reader) escape() {
	c := r.at()
	r.pos++
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r.buf = utf8.AppendRune(r.buf, r.unicode())
		return
	default:
		r.fail(ErrSyntax)
		return
	}
	r.buf = append(r.buf, c)
}

// unicode reads the digits of \u, and those of a second one when it takes two to make a character. Half a pair is U+FFFD.
func (r *Reader) unicode() rune {
	first, ok := r.hex4(r.pos)
	if !ok {
		r.fail(ErrSyntax)
		return utf8.RuneError
	}
	r.pos += 4
	if !utf16.IsSurrogate(first) {
		return first
	}
	if r.pos+1 < len(r.in) && r.in[r.pos] == '\\' && r.in[r.pos+1] == 'u' {
		if second, ok := r.hex4(r.pos + 2); ok {
			if whole := utf16.DecodeRune(first, second); whole != utf8.RuneError {
				r.pos += 6
				return whole
			}
		}
	}
	return utf8.RuneError
}

func (r *Reader) hex4(at int) (rune, bool) {
	if at+4 > len(r.in) {
		return 0, false
	}
	v, err := strconv.ParseUint(r.in[at:at+4], 16, 16)
	return rune(v), err == nil
}
