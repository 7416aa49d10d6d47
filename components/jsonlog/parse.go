package jsonlog

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

var (
	errInvalid = errors.New("not a JSON object")
	errTooDeep = errors.New("nested too deep")
	errTooMany = errors.New("too many values")
)

// parser reads one JSON object (RFC 8259) straight into pdata values. It
// accepts what encoding/json accepts and gives the same text; it differs in
// numbers, which keep every digit, and in its bounds, which hold while it reads
// and not after a tree has been built. encoding/json with UseNumber takes three
// times as long before the first value is in pdata, see BenchmarkParse.
//
// Strings without escapes are parts of the line, which the record keeps anyway.
type parser struct {
	line  string
	at    int
	depth int // levels left
	left  int // values left
	twice int // keys that were named again
}

// parse reads line into m, or returns errInvalid, errTooDeep or errTooMany and
// leaves in m what it had read. Of duplicate keys the last value stays.
func (p *parser) parse(m pcommon.Map) error {
	p.blanks()
	if !p.is('{') {
		return errInvalid
	}
	if err := p.object(m); err != nil {
		return err
	}
	p.blanks()
	if p.at != len(p.line) {
		return errInvalid
	}
	return nil
}

func (p *parser) blanks() {
	for p.at < len(p.line) {
		switch p.line[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// is reports whether c is next, and steps over it if so.
func (p *parser) is(c byte) bool {
	if p.at < len(p.line) && p.line[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) object(m pcommon.Map) error {
	if p.depth--; p.depth < 0 {
		return errTooDeep
	}
	defer func() { p.depth++ }()
	if p.blanks(); p.is('}') {
		return nil
	}
	for {
		p.blanks()
		if !p.is('"') {
			return errInvalid
		}
		key, err := p.text()
		if err != nil {
			return err
		}
		if p.blanks(); !p.is(':') {
			return errInvalid
		}
		v, again := m.GetOrPutEmpty(key)
		if again {
			p.twice++
		}
		if err := p.value(v); err != nil {
			return err
		}
		p.blanks()
		if p.is('}') {
			return nil
		}
		if !p.is(',') {
			return errInvalid
		}
	}
}

func (p *parser) array(s pcommon.Slice) error {
	if p.depth--; p.depth < 0 {
		return errTooDeep
	}
	defer func() { p.depth++ }()
	if p.blanks(); p.is(']') {
		return nil
	}
	for {
		if err := p.value(s.AppendEmpty()); err != nil {
			return err
		}
		p.blanks()
		if p.is(']') {
			return nil
		}
		if !p.is(',') {
			return errInvalid
		}
	}
}

func (p *parser) value(v pcommon.Value) error {
	if p.left--; p.left < 0 {
		return errTooMany
	}
	p.blanks()
	if p.at >= len(p.line) {
		return errInvalid
	}
	switch c := p.line[p.at]; c {
	case '{':
		p.at++
		return p.object(v.SetEmptyMap())
	case '[':
		p.at++
		return p.array(v.SetEmptySlice())
	case '"':
		p.at++
		s, err := p.text()
		if err == nil {
			v.SetStr(s)
		}
		return err
	case 't', 'f', 'n':
		return p.word(v)
	default:
		return p.number(v)
	}
}

func (p *parser) word(v pcommon.Value) error {
	rest := p.line[p.at:]
	switch {
	case strings.HasPrefix(rest, "true"):
		v.SetBool(true)
		p.at += len("true")
	case strings.HasPrefix(rest, "false"):
		v.SetBool(false)
		p.at += len("false")
	case strings.HasPrefix(rest, "null"):
		pcommon.NewValueEmpty().MoveTo(v)
		p.at += len("null")
	default:
		return errInvalid
	}
	return nil
}

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
