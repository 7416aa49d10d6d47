package decode

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

var errJSON = errors.New("text is no valid JSON")

// appendJSON appends in as MessagePack. Integers below 2^64 stay exact. The result is at most 5 times as long as in.
func appendJSON(out []byte, in string) ([]byte, error) {
	t := transcoder{in: in, out: out}
	if !t.value(0) {
		return out, errJSON
	}
	t.space()
	if t.pos != len(in) {
		return out, errJSON
	}
	return t.out, nil
}

type transcoder struct {
	in  string
	out []byte
	pos int
}

func (t *transcoder) space() {
	for t.pos < len(t.in) {
		switch t.in[t.pos] {
		case ' ', '\t', '\n', '\r':
			t.pos++
		default:
			return
		}
	}
}

// next skips blanks and returns the byte that follows, 0 at the end.
func (t *transcoder) next() byte {
	t.space()
	if t.pos == len(t.in) {
		return 0
	}
	return t.in[t.pos]
}

func (t *transcoder) value(depth int) bool {
	switch t.next() {
	case '{':
		return depth < msgpack.MaxDepth && t.object(depth)
	case '[':
		return depth < msgpack.MaxDepth && t.array(depth)
	case '"':
		return t.string()
	case 't':
		return t.word("true", 0xc3)
	case 'f':
		return t.word("false", 0xc2)
	case 'n':
		return t.word("null", 0xc0)
	}
	return t.number()
}

func (t *transcoder) word(word string, code byte) bool {
	if len(t.in)-t.pos < len(word) || t.in[t.pos:t.pos+len(word)] != word {
		return false
	}
	t.pos += len(word)
	t.append(code)
	return true
}

func (t *transcoder) object(depth int) bool {
	header := t.begin(0xdf)
	n := uint32(0)
	for end := t.next() == '}'; !end; n++ {
		if t.next() != '"' || !t.string() || t.next() != ':' {
			return false
		}
		t.pos++
		if !t.value(depth + 1) {
			return false
		}
		switch t.next() {
		case ',':
			t.pos++
		case '}':
			end = true
		default:
			return false
		}
	}
	t.end(header, n)
	return true
}

func (t *transcoder) array(depth int) bool {
	header := t.begin(0xdd)
	n := uint32(0)
	for end := t.next() == ']'; !end; n++ {
		if !t.value(depth + 1) {
			return false
		}
		switch t.next() {
		case ',':
			t.pos++
		case ']':
			end = true
		default:
			return false
		}
	}
	t.end(header, n)
	return true
}

// begin writes a header with room for the count, and steps over the bracket.
func (t *transcoder) begin(code byte) (header int) {
	header = len(t.out)
	t.room(5)
	t.out = append(t.out, code, 0, 0, 0, 0)
	t.pos++
	return header
}

// end writes the count, and steps over the bracket.
func (t *transcoder) end(header int, n uint32) {
	binary.BigEndian.PutUint32(t.out[header+1:], n)
	t.pos++
}

// string reads a string. Bare control characters are let pass.
func (t *transcoder) string() bool {
	rest := t.in[t.pos+1:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		return false
	}
	if strings.IndexByte(rest[:end], '\\') >= 0 {
		return t.escaped()
	}
	t.room(end + 5)
	if end < 32 {
		t.out = append(t.out, 0xa0|byte(end))
	} else {
		t.out = binary.BigEndian.AppendUint32(append(t.out, 0xdb), uint32(end))
	}
	t.out = append(t.out, rest[:end]...)
	t.pos += end + 2
	return true
}

// escaped reads a string with escapes.
func (t *transcoder) escaped() bool {
	header := t.begin(0xdb)
	for {
		n := strings.IndexAny(t.in[t.pos:], `"\`)
		if n < 0 {
			return false
		}
		t.room(n)
		t.out = append(t.out, t.in[t.pos:t.pos+n]...)
		t.pos += n + 1
		if t.in[t.pos-1] == '"' {
			break
		}
		if !t.escape() {
			return false
		}
	}
	binary.BigEndian.PutUint32(t.out[header+1:], uint32(len(t.out)-header-5))
	return true
}

// escape reads what follows a backslash.
func (t *transcoder) escape() bool {
	if t.pos == len(t.in) {
		return false
	}
	c := t.in[t.pos]
	t.pos++
	switch c {
	case '"', '\\', '/':
		t.append(c)
	case 'b':
		t.append('\b')
	case 'f':
		t.append('\f')
	case 'n':
		t.append('\n')
	case 'r':
		t.append('\r')
	case 't':
		t.append('\t')
	case 'u':
		r, ok := t.hex4()
		if !ok {
			return false
		}
		if utf16.IsSurrogate(r) {
			r = t.surrogate(r)
		}
		t.room(utf8.UTFMax)
		t.out = utf8.AppendRune(t.out, r)
	default:
		return false
	}
	return true
}

// surrogate reads the second half of a pair; half a pair alone is U+FFFD.
func (t *transcoder) surrogate(first rune) rune {
	if len(t.in)-t.pos < 2 || t.in[t.pos] != '\\' || t.in[t.pos+1] != 'u' {
		return utf8.RuneError
	}
	at := t.pos
	t.pos += 2
	second, ok := t.hex4()
	if r := utf16.DecodeRune(first, second); ok && r != utf8.RuneError {
		return r
	}
	t.pos = at
	return utf8.RuneError
}

func (t *transcoder) hex4() (rune, bool) {
	if len(t.in)-t.pos < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(t.in[t.pos:t.pos+4], 16, 16)
	t.pos += 4
	return rune(v), err == nil
}

// number reads an integer exactly when it fits in 64 bits, else a double.
func (t *transcoder) number() bool {
	start := t.pos
	integer := true
	for t.pos < len(t.in) {
		c := t.in[t.pos]
		if c == '.' || c == 'e' || c == 'E' || c == '+' {
			integer = false
		} else if (c < '0' || c > '9') && c != '-' {
			break
		}
		t.pos++
	}
	// No JSON number is longer than this for a reason.
	if t.pos == start || t.pos-start > 400 {
		return false
	}
	text := t.in[start:t.pos]
	t.room(9)
	if integer {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			if n >= 0 && n < 0x80 {
				t.out = append(t.out, byte(n))
			} else {
				t.out = binary.BigEndian.AppendUint64(append(t.out, 0xd3), uint64(n))
			}
			return true
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			t.out = binary.BigEndian.AppendUint64(append(t.out, 0xcf), n)
			return true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return false
	}
	t.out = binary.BigEndian.AppendUint64(append(t.out, 0xcb), math.Float64bits(f))
	return true
}

func (t *transcoder) append(b byte) {
	t.room(1)
	t.out = append(t.out, b)
}

// room doubles where the built-in append adds a quarter, so that what is allocated stays in proportion.
func (t *transcoder) room(n int) {
	if len(t.out)+n <= cap(t.out) {
		return
	}
	bigger := make([]byte, len(t.out), 2*cap(t.out)+n+64)
	copy(bigger, t.out)
	t.out = bigger
}
