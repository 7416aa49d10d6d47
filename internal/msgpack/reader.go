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

// IsType reports whether err is ErrType. It is never wrapped here, and readers ask for every value.
func IsType(err error) bool {
	return err == ErrType //nolint:errorlint // see above
}

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
