package datadogrumreceiver

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaped reads on in a string that began at start and whose first backslash is at pos.
func (d *jsonDoc) escaped(start int) (string, error) {
	buf := make([]byte, 0, 2*(d.pos-start)+16)
	buf = append(buf, d.src[start:d.pos]...)
	for d.pos < len(d.src) {
		c := d.src[d.pos]
		d.pos++
		switch {
		case c == '"':
			return string(buf), nil
		case c < ' ':
			return "", errJSONSyntax
		case c != '\\':
			buf = append(buf, c)
			continue
		}
		if d.pos >= len(d.src) {
			return "", errJSONSyntax
		}
		c = d.src[d.pos]
		d.pos++
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
			r, ok := d.unicode()
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
func (d *jsonDoc) unicode() (rune, bool) {
	r, ok := d.hex4(d.pos)
	if !ok {
		return 0, false
	}
	d.pos += 4
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if strings.HasPrefix(d.src[d.pos:], `\u`) {
		if low, ok := d.hex4(d.pos + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				d.pos += 6
				return pair, true
			}
		}
	}
	return utf8.RuneError, true
}

func (d *jsonDoc) hex4(at int) (rune, bool) {
	if at+4 > len(d.src) {
		return 0, false
	}
	v, err := strconv.ParseUint(d.src[at:at+4], 16, 16)
	return rune(v), err == nil
}
