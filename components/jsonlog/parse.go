package jsonlog

import (
	"errors"
	"strings"

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
