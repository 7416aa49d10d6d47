package jsonlog

import (
	"errors"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/json"
)

var (
	errInvalid  = errors.New("not a JSON object")
	errTooDeep  = errors.New("nested too deep")
	errTooMany  = errors.New("too many values")
	errTooLarge = errors.New("too large")
)

// parser reads one JSON object straight into pdata values, within bounds that hold while it reads. Numbers keep every digit. Strings
// without escapes are parts of the line, which the record keeps anyway.
type parser struct {
	json.Reader
	depth int // levels left
	left  int // values left
	twice int // keys that were named again
}

// parse reads line into m, or returns errInvalid, errTooDeep or errTooMany and leaves in m what it had read. Of duplicate keys the last
// value stays.
func (p *parser) parse(line string, m pcommon.Map) error {
	p.Reset(line)
	if p.Kind() != json.Object {
		return errInvalid
	}
	err := p.object(m)
	switch {
	case err != nil:
		return err
	case errors.Is(p.End(), json.ErrDepth):
		return errTooDeep
	case p.Err() != nil:
		return errInvalid
	}
	return nil
}

func (p *parser) object(m pcommon.Map) error {
	if p.depth--; p.depth < 0 {
		return errTooDeep
	}
	for p.Object(); p.Field(); {
		v, again := m.GetOrPutEmpty(valid(p.Name()))
		if again {
			p.twice++
		}
		if err := p.value(v); err != nil {
			return err
		}
	}
	p.depth++
	return nil
}

func (p *parser) array(s pcommon.Slice) error {
	if p.depth--; p.depth < 0 {
		return errTooDeep
	}
	for p.Array(); p.Element(); {
		if err := p.value(s.AppendEmpty()); err != nil {
			return err
		}
	}
	p.depth++
	return nil
}

// value reads the next value into v. What is no JSON is found by the reader, which then has nothing more.
func (p *parser) value(v pcommon.Value) error {
	if p.left--; p.left < 0 {
		return errTooMany
	}
	switch p.Kind() {
	case json.Object:
		return p.object(v.SetEmptyMap())
	case json.Array:
		return p.array(v.SetEmptySlice())
	case json.String:
		v.SetStr(valid(p.String()))
	case json.True, json.False:
		v.SetBool(p.Bool())
	case json.Null:
		p.Null()
		pcommon.NewValueEmpty().MoveTo(v)
	case json.Number:
		number(p.Number(), v)
	default:
		p.Fail()
	}
	return nil
}

// valid replaces every byte of s that is not UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}
