package jsonlog

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string whose opening quote has been read.
func (p *parser) text() (string, error) {
	start, ascii := p.at, true
	for ; p.at < len(p.line); p.at++ {
		switch c := p.line[p.at]; {
		case c == '"':
			s := p.line[start:p.at]
			p.at++
			if ascii || utf8.ValidString(s) {
				return s, nil
			}
			var b strings.Builder
			writeValid(&b, s)
			return b.String(), nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", errInvalid
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", errInvalid
}

// escaped goes on with a string that began at start and has its first
// backslash here.
func (p *parser) escaped(start int) (string, error) {
	var b strings.Builder
	for p.at < len(p.line) {
		switch c := p.line[p.at]; {
		case c == '"':
			writeValid(&b, p.line[start:p.at])
			p.at++
			return b.String(), nil
		case c < ' ':
			return "", errInvalid
		case c == '\\':
			writeValid(&b, p.line[start:p.at])
			p.at++
			r, ok := p.escape()
			if !ok {
				return "", errInvalid
			}
			b.WriteRune(r)
			start = p.at
		default:
			p.at++
		}
	}
	return "", errInvalid
}

// escape reads what follows a backslash. A surrogate without its other half
// becomes U+FFFD.
func (p *parser) escape() (rune, bool) {
	if p.at >= len(p.line) {
		return 0, false
	}
	c := p.line[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		r, ok := p.hex4()
		if !ok || !utf16.IsSurrogate(r) {
			return r, ok
		}
		if strings.HasPrefix(p.line[p.at:], `\u`) {
			before := p.at
			p.at += 2
			low, ok := p.hex4()
			if !ok {
				return 0, false
			}
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, true
			}
			p.at = before
		}
		return utf8.RuneError, true
	}
	return 0, false
}

func (p *parser) hex4() (rune, bool) {
	if len(p.line)-p.at < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.line[p.at]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		p.at++
	}
	return r, true
}

// writeValid writes s with U+FFFD for every byte that is not UTF-8.
func writeValid(b *strings.Builder, s string) {
	if utf8.ValidString(s) {
		b.WriteString(s)
		return
	}
	for _, r := range s {
		b.WriteRune(r)
	}
}
