package decode

import "github.com/otelcol-obs/otelcol-obs/internal/bytestr"

// jsonTape is what was read of the text before, step by step: the links of one span look like those of the next, the ids apart. A
// step that is at the same place in the same bytes has the same result, and is not taken again.
type jsonTape struct {
	in    string
	steps [tapeLength]jsonStep
	used  int // steps that were read of in
}

// tapeLength bounds the steps that are kept. They are a dozen for an event, and few texts have many events.
const tapeLength = 128

// jsonStep is the result of one call, which depends on nothing but its kind and the bytes from..from+size and the next one: a number
// ends there.
type jsonStep struct {
	from, size uint32
	kind       stepKind
	value      attrKind // of a scalar
	ok         bool     // there is an element or a field
	number     uint64   // of a scalar; or the sym of a field's name
}

type stepKind uint8

const (
	stepElement stepKind = iota
	stepField
	stepScalar
	// stepFirst is added where no comma comes before.
	stepFirst
)

// reset forgets the text: its strings are those of one payload.
func (t *jsonTape) reset() { t.in, t.used = "", 0 }

// begin starts on a text. tape is what was read of the last one of its kind.
func (t *jsonReader) begin(tape *jsonTape, in string) {
	*t = jsonReader{in: in, out: t.out, tape: tape, shift: len(in), left: tape.used}
}

// end keeps the text for the next one to be compared with.
func (t *jsonReader) end() {
	t.tape.in, t.tape.used = t.in, min(t.at, tapeLength)
}

// again returns the next step when it has been taken before, and steps over its bytes.
func (t *jsonReader) again(kind stepKind) *jsonStep {
	if t.at >= t.left || t.bad {
		return nil
	}
	s := &t.tape.steps[t.at]
	if s.kind != kind {
		return nil
	}
	end, shift := t.pos+int(s.size), t.pos-int(s.from)
	if shift != t.shift || t.pos > t.same {
		t.shift, t.same = shift, t.pos+bytestr.CommonPrefix(t.in[t.pos:], t.tape.in[s.from:])
	}
	if end >= t.same {
		return nil
	}
	t.at++
	s.from = uint32(t.pos)
	t.pos = end
	return s
}

// note keeps a step that was taken from a place.
func (t *jsonReader) note(s jsonStep, from int) {
	if t.bad {
		return
	}
	if t.at < tapeLength {
		s.from, s.size = uint32(from), uint32(t.pos-from)
		t.tape.steps[t.at] = s
	}
	t.at++
}

// kind is the kind of a step here.
func (t *jsonReader) kind(kind stepKind) stepKind {
	if t.first {
		kind += stepFirst
	}
	return kind
}

// element steps to the next element of a list, or over its end.
func (t *jsonReader) element() bool {
	kind, from := t.kind(stepElement), t.pos
	if s := t.again(kind); s != nil {
		t.first = false
		return s.ok
	}
	ok := t.more(']')
	t.note(jsonStep{kind: kind, ok: ok}, from)
	return ok
}

// jsonField steps to the value of the next field of an object, or over its end.
func (d *Decoder) jsonField(t *jsonReader) (name sym, ok bool) {
	kind, from := t.kind(stepField), t.pos
	if s := t.again(kind); s != nil {
		t.first = false
		return sym(s.number), s.ok
	}
	text, ok := t.field()
	name = d.syms.internText(text)
	t.note(jsonStep{kind: kind, ok: ok, number: uint64(name)}, from)
	return name, ok
}

// jsonScalar reads what is neither list nor object.
func (d *Decoder) jsonScalar(t *jsonReader) (attrKind, uint64) {
	from := t.pos
	if s := t.again(stepScalar); s != nil {
		return s.value, s.number
	}
	kind, number := d.newScalar(t)
	t.note(jsonStep{kind: stepScalar, value: kind, number: number}, from)
	return kind, number
}
