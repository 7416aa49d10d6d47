// Package msgpack reads MessagePack from a byte slice without copying and without believing a length it is told.
//
// Every declared length is checked against the bytes that are left before anything is done with it, and nothing is ever
// allocated for one. Nesting is bounded by MaxDepth. Readers are lenient where tracers are: a string may be str, bin or nil,
// an integer signed or unsigned of any width or a whole float, a float any number.
// The format: https://github.com/msgpack/msgpack/blob/master/spec.md
package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
)

// MaxDepth bounds nesting: real payloads stay below 10.
const MaxDepth = 64

var (
	// ErrShort says the bytes end before the value does, or that a declared length exceeds what is left. The rest can't be read.
	ErrShort = errors.New("message is shorter than it declares")
	// ErrDepth says values are nested deeper than MaxDepth. The rest can't be read.
	ErrDepth = errors.New("message is nested too deeply")
	// ErrInvalid says a byte that begins no value was met. The rest can't be read.
	ErrInvalid = errors.New("byte 0xc1 begins no value")
	// ErrType says the value is of another type; it is left unread, so that the caller can Skip it and go on.
	ErrType = errors.New("value has an unexpected type")
)

// Kind is what sort of value comes next.
type Kind uint8

// The kinds. Int and Uint differ by encoding only: both are integers.
const (
	Invalid Kind = iota
	Nil
	Bool
	Int
	Uint
	Float
	Str
	Bin
	Array
	Map
	Ext
)

// Reader reads one message. The zero value reads nothing; set Buf and Pos.
type Reader struct {
	Buf []byte
	Pos int
}

// Left is the number of bytes not yet read.
func (r *Reader) Left() int { return len(r.Buf) - r.Pos }

// Kind tells what comes next without reading it; Invalid at the end.
func (r *Reader) Kind() Kind {
	if r.Pos >= len(r.Buf) {
		return Invalid
	}
	return kinds[r.Buf[r.Pos]]
}

// ArrayLen reads the header of an array. Nil is an empty array. Every element takes a byte, so n never exceeds Left.
func (r *Reader) ArrayLen() (n int, err error) { return r.header(Array, 1) }

// MapLen reads the header of a map. Nil is an empty map. Every pair takes two bytes, so 2n never exceeds Left.
func (r *Reader) MapLen() (n int, err error) { return r.header(Map, 2) }

func (r *Reader) header(want Kind, minBytes uint64) (int, error) {
	if r.Pos >= len(r.Buf) {
		return 0, ErrShort
	}
	switch kind := kinds[r.Buf[r.Pos]]; kind {
	case want:
	case Nil:
		r.Pos++
		return 0, nil
	case Invalid:
		return 0, ErrInvalid
	default:
		return 0, ErrType
	}
	n, size, err := r.length()
	if err != nil {
		return 0, err
	}
	if n*minBytes > uint64(r.Left()-size) {
		return 0, ErrShort
	}
	r.Pos += size
	return int(n), nil
}

// Bytes reads a str or bin without copying: the result aliases Buf. Nil is empty.
func (r *Reader) Bytes() ([]byte, error) {
	if r.Pos >= len(r.Buf) {
		return nil, ErrShort
	}
	// Nearly every string of a payload is a fixstr.
	if c := r.Buf[r.Pos]; c&0xe0 == 0xa0 {
		start := r.Pos + 1
		end := start + int(c&0x1f)
		if end > len(r.Buf) {
			return nil, ErrShort
		}
		r.Pos = end
		return r.Buf[start:end], nil
	}
	switch kinds[r.Buf[r.Pos]] {
	case Str, Bin:
	case Nil:
		r.Pos++
		return nil, nil
	case Invalid:
		return nil, ErrInvalid
	default:
		return nil, ErrType
	}
	n, size, err := r.length()
	if err != nil {
		return nil, err
	}
	if n > uint64(r.Left()-size) {
		return nil, ErrShort
	}
	start := r.Pos + size
	r.Pos = start + int(n)
	return r.Buf[start:r.Pos], nil
}

// Accept reads a string if it is s, shorter than 64 KiB and written in the shortest way. Otherwise nothing is read.
func (r *Reader) Accept(s string) bool {
	b, n, header := r.Buf[min(r.Pos, len(r.Buf)):], len(s), 1
	switch {
	case n < 32:
		if len(b) <= n || b[0] != 0xa0|byte(n) {
			return false
		}
	case n < 256:
		if header = 2; len(b) < n+header || b[0] != 0xd9 || int(b[1]) != n {
			return false
		}
	default:
		if header = 3; len(b) < n+header || b[0] != 0xda || int(b[1])<<8|int(b[2]) != n {
			return false
		}
	}
	if string(b[header:header+n]) != s {
		return false
	}
	r.Pos += header + n
	return true
}

// Uint64 reads any integer as 64 bits: a negative one is the unsigned number of the same bits, which is how tracers without
// unsigned types send ids. A float is read when it is a whole number below 2^63. Nil is 0.
func (r *Reader) Uint64() (uint64, error) {
	if left := r.Buf[min(r.Pos, len(r.Buf)):]; len(left) >= 9 {
		switch left[0] {
		case 0xcd:
			r.Pos += 3
			return uint64(binary.BigEndian.Uint16(left[1:])), nil
		case 0xcf:
			r.Pos += 9
			return binary.BigEndian.Uint64(left[1:]), nil
		}
	}
	kind, bits, size, err := r.number()
	if err != nil {
		return 0, err
	}
	if kind == Float {
		f := math.Float64frombits(bits)
		if f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
			return 0, ErrType
		}
		bits = uint64(int64(f))
	}
	r.Pos += size
	return bits, nil
}

// Int64 reads an integer that fits in 63 bits and a sign. Others are ErrType. Nil is 0.
func (r *Reader) Int64() (int64, error) {
	kind, bits, _, err := r.number()
	if err != nil {
		return 0, err
	}
	if kind == Uint && bits > math.MaxInt64 {
		return 0, ErrType
	}
	bits, err = r.Uint64()
	return int64(bits), err
}

// Float64 reads any number. Nil is 0.
func (r *Reader) Float64() (float64, error) {
	kind, bits, size, err := r.number()
	if err != nil {
		return 0, err
	}
	r.Pos += size
	switch kind {
	case Float:
		return math.Float64frombits(bits), nil
	case Int:
		return float64(int64(bits)), nil
	}
	return float64(bits), nil
}

// Bool reads a boolean; a number is true when it is not 0. Nil is false.
func (r *Reader) Bool() (bool, error) {
	if r.Kind() == Bool {
		r.Pos++
		return r.Buf[r.Pos-1] == 0xc3, nil
	}
	f, err := r.Float64()
	return f != 0, err
}

// Skip reads one value of any type, whatever it holds.
func (r *Reader) Skip() error { return r.Walk(nil) }

// Walk is Skip that hands every string inside the value to str, in order. The bytes alias Buf.
func (r *Reader) Walk(str func([]byte) error) error { return r.walk(str, 0) }

func (r *Reader) walk(str func([]byte) error, depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	if r.Pos >= len(r.Buf) {
		return ErrShort
	}
	values := 0
	switch kinds[r.Buf[r.Pos]] {
	case Nil, Bool:
		r.Pos++
	case Int, Uint, Float:
		_, _, size, err := r.number()
		if err != nil {
			return err
		}
		r.Pos += size
	case Str:
		b, err := r.Bytes()
		if err != nil || str == nil {
			return err
		}
		return str(b)
	case Bin:
		_, err := r.Bytes()
		return err
	case Ext:
		return r.skipExt()
	case Array:
		n, err := r.ArrayLen()
		if err != nil {
			return err
		}
		values = n
	case Map:
		n, err := r.MapLen()
		if err != nil {
			return err
		}
		values = 2 * n
	default:
		return ErrInvalid
	}
	for range values {
		if err := r.walk(str, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) skipExt() error {
	n, size, err := r.length()
	if err != nil {
		return err
	}
	if n+1 > uint64(r.Left()-size) {
		return ErrShort
	}
	r.Pos += size + 1 + int(n)
	return nil
}

// length reads how long the str, bin, array, map or ext at Pos is, and how many bytes say so. It does not move.
func (r *Reader) length() (n uint64, size int, err error) {
	c := r.Buf[r.Pos]
	switch {
	case c < 0x90: // fixmap
		return uint64(c & 0x0f), 1, nil
	case c < 0xa0: // fixarray
		return uint64(c & 0x0f), 1, nil
	case c < 0xc0: // fixstr
		return uint64(c & 0x1f), 1, nil
	case c >= 0xd4 && c <= 0xd8: // fixext 1, 2, 4, 8, 16
		return 1 << (c - 0xd4), 1, nil
	}
	width := lengthWidths[c]
	if r.Left() <= width {
		return 0, 0, ErrShort
	}
	b := r.Buf[r.Pos+1:]
	switch width {
	case 1:
		return uint64(b[0]), 2, nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), 3, nil
	}
	return uint64(binary.BigEndian.Uint32(b)), 5, nil
}

// number reads the integer, float or nil at Pos as its 64 bits, and how many bytes it takes. It does not move.
func (r *Reader) number() (kind Kind, bits uint64, size int, err error) {
	if r.Pos >= len(r.Buf) {
		return Invalid, 0, 0, ErrShort
	}
	c := r.Buf[r.Pos]
	switch {
	case c < 0x80:
		return Uint, uint64(c), 1, nil
	case c >= 0xe0:
		return Int, uint64(int64(int8(c))), 1, nil
	case c == 0xc0:
		return Nil, 0, 1, nil
	case c == 0xc1:
		return Invalid, 0, 0, ErrInvalid
	case c < 0xca || c > 0xd3:
		return Invalid, 0, 0, ErrType
	}
	size = numberSizes[c-0xca]
	if r.Left() < size {
		return Invalid, 0, 0, ErrShort
	}
	b := r.Buf[r.Pos+1:]
	switch c {
	case 0xca:
		return Float, math.Float64bits(float64(math.Float32frombits(binary.BigEndian.Uint32(b)))), size, nil
	case 0xcb:
		return Float, binary.BigEndian.Uint64(b), size, nil
	case 0xcc:
		return Uint, uint64(b[0]), size, nil
	case 0xcd:
		return Uint, uint64(binary.BigEndian.Uint16(b)), size, nil
	case 0xce:
		return Uint, uint64(binary.BigEndian.Uint32(b)), size, nil
	case 0xcf:
		return Uint, binary.BigEndian.Uint64(b), size, nil
	case 0xd0:
		return Int, uint64(int64(int8(b[0]))), size, nil
	case 0xd1:
		return Int, uint64(int64(int16(binary.BigEndian.Uint16(b)))), size, nil
	case 0xd2:
		return Int, uint64(int64(int32(binary.BigEndian.Uint32(b)))), size, nil
	}
	return Int, binary.BigEndian.Uint64(b), size, nil
}

// numberSizes is the size in bytes of the numbers 0xca (float 32) to 0xd3 (int 64).
var numberSizes = [10]int{5, 9, 2, 3, 5, 9, 2, 3, 5, 9}

// lengthWidths is how many bytes of length follow the first byte.
var lengthWidths = [256]int{
	0xc4: 1, 0xc5: 2, 0xc6: 4, // bin
	0xc7: 1, 0xc8: 2, 0xc9: 4, // ext
	0xd9: 1, 0xda: 2, 0xdb: 4, // str
	0xdc: 2, 0xdd: 4, // array
	0xde: 2, 0xdf: 4, // map
}

// kinds tells the kind from the first byte.
var kinds = func() (t [256]Kind) {
	fill := func(from, to int, kind Kind) {
		for c := from; c <= to; c++ {
			t[c] = kind
		}
	}
	fill(0x00, 0x7f, Uint)
	fill(0x80, 0x8f, Map)
	fill(0x90, 0x9f, Array)
	fill(0xa0, 0xbf, Str)
	fill(0xc0, 0xc0, Nil)
	fill(0xc2, 0xc3, Bool)
	fill(0xc4, 0xc6, Bin)
	fill(0xc7, 0xc9, Ext)
	fill(0xca, 0xcb, Float)
	fill(0xcc, 0xcf, Uint)
	fill(0xd0, 0xd3, Int)
	fill(0xd4, 0xd8, Ext)
	fill(0xd9, 0xdb, Str)
	fill(0xdc, 0xdd, Array)
	fill(0xde, 0xdf, Map)
	fill(0xe0, 0xff, Int)
	return t
}()
