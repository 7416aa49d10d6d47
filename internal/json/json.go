// Package json reads JSON from a string, one value after the other, without a tree in between.
//
//	r := json.NewReader(text)
//	for r.Object(); r.Field(); {
//		switch r.Name() {
//		case "id":
//			id, ok = r.Number().Uint64()
//		default:
//			r.Skip()
//		}
//	}
//	return r.End()
//
// The first thing that is no JSON ends the reading: from then on there are no more elements, fields or values, and Err says why.
// So a loop needs no check inside. Nesting is bounded by MaxDepth; a text of n bytes allocates nothing but the strings in it that
// hold escapes, one at a time.
package json

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// MaxDepth bounds nesting.
const MaxDepth = 64

// maxNumberBytes bounds the text of a number: no real one is longer.
const maxNumberBytes = 400

var (
	// ErrSyntax says that the text is no JSON.
	ErrSyntax = errors.New("text is no valid JSON")
	// ErrDepth says that values are nested deeper than MaxDepth.
	ErrDepth = errors.New("JSON is nested too deeply")
)

// Kind is what sort of value comes next.
type Kind uint8

// The kinds. Invalid is the end of the text, or a byte that begins no value.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// Reader reads one text. Make it with NewReader, or Reset a zero Reader.
type Reader struct {
	// AllowControl lets control characters in strings pass. RFC 8259 wants them escaped, and not every writer does it.
	AllowControl bool

	in    string
	pos   int
	depth int
	first bool // the array or object was entered just now
	name  string
	buf   []byte
	err   error
}

// NewReader returns a reader of text.
func NewReader(text string) *Reader {
	r := new(Reader)
	r.Reset(text)
	return r
}

// Reset makes r read text from its beginning.
func (r *Reader) Reset(text string) {
	*r = Reader{AllowControl: r.AllowControl, in: text, buf: r.buf[:0]}
}

// Err returns what ended the reading before its time.
func (r *Reader) Err() error { return r.err }

// End returns nil if the text held one value and nothing else.
func (r *Reader) End() error {
	if r.err == nil && (r.peek() != 0 || r.pos < len(r.in) || r.depth > 0) {
		r.fail(ErrSyntax)
	}
	return r.err
}

// Pos is where in the text the reader is.
func (r *Reader) Pos() int { return r.pos }

// Seek goes back to a Pos of the same array or object.
func (r *Reader) Seek(pos int) {
	if r.err == nil {
		r.pos = pos
	}
}

// Fail ends the reading, for a value that the caller can't use.
func (r *Reader) Fail() { r.fail(ErrSyntax) }

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.pos = len(r.in)
}

// peek steps over blanks and returns the byte that follows, 0 at the end.
func (r *Reader) peek() byte {
	for ; r.pos < len(r.in); r.pos++ {
		switch c := r.in[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// Kind tells what comes next without reading it.
func (r *Reader) Kind() Kind {
	switch c := r.peek(); c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't':
		return True
	case 'f':
		return False
	case 'n':
		return Null
	default:
		if c == '-' || c-'0' <= 9 {
			return Number
		}
	}
	return Invalid
}

// Array enters the array that comes next. Anything else ends the reading.
func (r *Reader) Array() { r.enter('[') }

// Object enters the object that comes next. Anything else ends the reading.
func (r *Reader) Object() { r.enter('{') }

func (r *Reader) enter(bracket byte) {
	if r.peek() != bracket {
		r.fail(ErrSyntax)
		return
	}
	if r.depth++; r.depth > MaxDepth {
		r.fail(ErrDepth)
		return
	}
	r.pos++
	r.first = true
}

// Element reports whether the array entered last has another element, and leaves the array when it has none. Every element must be
// read or skipped.
func (r *Reader) Element() bool { return r.more(']') }

// Field reports whether the object entered last has another field, reads its name, and leaves the object when it has none. Every
// value must be read or skipped.
func (r *Reader) Field() bool {
	if !r.more('}') {
		return false
	}
	if r.peek() != '"' {
		r.fail(ErrSyntax)
		return false
	}
	r.name = r.String()
	if r.peek() != ':' {
		r.fail(ErrSyntax)
		return false
	}
	r.pos++
	return r.err == nil
}

// Name is the name of the field Field went to.
func (r *Reader) Name() string { return r.name }

func (r *Reader) more(end byte) bool {
	c, first := r.peek(), r.first
	r.first = false
	switch {
	case r.err != nil:
		return false
	case c == end:
		r.pos++
		r.depth--
		return false
	case first:
		return true
	case c != ',':
		r.fail(ErrSyntax)
		return false
	}
	r.pos++
	if r.peek() == end {
		r.fail(ErrSyntax)
	}
	return r.err == nil
}

// Bool reads true or false. Anything else ends the reading.
func (r *Reader) Bool() bool {
	if r.Kind() == True {
		return r.word("true")
	}
	r.word("false")
	return false
}

// Null reads null. Anything else ends the reading.
func (r *Reader) Null() { r.word("null") }

func (r *Reader) word(word string) bool {
	r.peek()
	if !strings.HasPrefix(r.in[r.pos:], word) {
		r.fail(ErrSyntax)
		return false
	}
	r.pos += len(word)
	return true
}

// Num is a number as it was written.
type Num string

// Number reads a number. Anything else ends the reading and is the empty Num.
func (r *Reader) Number() Num {
	r.peek()
	start := r.pos
	if r.at() == '-' {
		r.pos++
	}
	zero := r.at() == '0'
	whole := r.digits()
	ok := whole > 0 && !(zero && whole > 1)
	if r.at() == '.' {
		r.pos++
		ok = r.digits() > 0 && ok
	}
	if r.at()|0x20 == 'e' {
		r.pos++
		if c := r.at(); c == '+' || c == '-' {
			r.pos++
		}
		ok = r.digits() > 0 && ok
	}
	if !ok || r.pos-start > maxNumberBytes {
		r.fail(ErrSyntax)
		return ""
	}
	return Num(r.in[start:r.pos])
}

func (r *Reader) at() byte {
	if r.pos < len(r.in) {
		return r.in[r.pos]
	}
	return 0
}

func (r *Reader) digits() (n int) {
	for r.at()-'0' <= 9 {
		r.pos++
		n++
	}
	return n
}

// Int64 returns a number that is written as an integer and fits.
func (n Num) Int64() (int64, bool) {
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// Uint64 returns a number that is written as an integer and fits.
func (n Num) Uint64() (uint64, bool) {
	i, err := strconv.ParseUint(string(n), 10, 64)
	return i, err == nil
}

// Float64 returns any number that is not too large for a float64.
func (n Num) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Skip steps over a value of any kind.
func (r *Reader) Skip() {
	switch r.Kind() {
	case Null:
		r.Null()
	case False, True:
		r.Bool()
	case Number:
		r.Number()
	case String:
		r.skipString()
	case Array:
		for r.Array(); r.Element(); {
			r.Skip()
		}
	case Object:
		for r.Object(); r.Field(); {
			r.Skip()
		}
	default:
		r.fail(ErrSyntax)
	}
}

// Raw is Skip that returns the text of the value.
func (r *Reader) Raw() string {
	r.peek()
	start := r.pos
	r.Skip()
	if r.err != nil {
		return ""
	}
	return r.in[start:r.pos]
}
