package event

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaped reads on in a string that began at start and whose first backslash is at pos.
func (p *parser) escaped(start int) (string, error) {
	buf := make([]byte, 0, 2*(p.pos-start)+16)
	buf = append(buf, p.src[start:p.pos]...)
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '"':
			return string(buf), nil
		case c < ' ':
			return "", errJSONSyntax
		case c != '\\':
			buf = append(buf, c)
			continue
		}
		if p.pos >= len(p.src) {
			return "", errJSONSyntax
		}
		c = p.src[p.pos]
		p.pos++
		switch c {
		case '"', '\\', '/':
			buf = append(buf, c)
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'n':
			buf = append(buf, '\n')
		case 'r':
			buf = append(buf, '\r')
		case 't':
			buf = append(buf, '\t')
		case 'u':
			r, ok := p.unicode()
			if !ok {
				return "", errJSONSyntax
			}
			buf = utf8.AppendRune(buf, r)
		default:
			return "", errJSONSyntax
		}
	}
	return "", errJSONSyntax
}

// unicode reads the four digits after \u, and the second half of a surrogate
// pair when it follows. A lone surrogate becomes U+FFFD, as in encoding/json.
func (p *parser) unicode() (rune, bool) {
	r, ok := p.hex4(p.pos)
	if !ok {
		return 0, false
	}
	p.pos += 4
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if strings.HasPrefix(p.src[p.pos:], `\u`) {
		if low, ok := p.hex4(p.pos + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.pos += 6
				return pair, true
			}
		}
	}
	return utf8.RuneError, true
}

func (p *parser) hex4(at int) (rune, bool) {
	if at+4 > len(p.src) {
		return 0, false
	}
	v, err := strconv.ParseUint(p.src[at:at+4], 16, 16)
	return rune(v), err == nil
}
