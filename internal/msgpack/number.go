package msgpack

import (
	"encoding/binary"
	"math"
)

// Float64Code is the byte before the 8 of a double.
const Float64Code = 0xcb

// Small reads an integer below 128 in its shortest form, if one comes next.
func (r *Reader) Small() (n int, ok bool) {
	if r.Pos >= len(r.Buf) || r.Buf[r.Pos] >= 0x80 {
		return 0, false
	}
	r.Pos++
	return int(r.Buf[r.Pos-1]), true
}

// Uint64 reads any integer as 64 bits: a negative one is the unsigned number of the same bits, which is how tracers without
// unsigned types send ids. A float is read when it is a whole number below 2^63. Nil is 0.
func (r *Reader) Uint64() (uint64, error) {
	if left := r.Buf[min(r.Pos, len(r.Buf)):]; len(left) >= 9 {
		// What nearly every integer of a payload is.
		switch c := left[0]; {
		case c < 0x80:
			r.Pos++
			return uint64(c), nil
		case c == 0xcc:
			r.Pos += 2
			return uint64(left[1]), nil
		case c == 0xcd:
			r.Pos += 3
			return uint64(binary.BigEndian.Uint16(left[1:])), nil
		case c == 0xcf:
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
	at := r.Pos
	bits, err := r.Uint64()
	// Only a uint 64 can be too large: what else Uint64 returns was an int64.
	if err == nil && bits > math.MaxInt64 && r.Buf[at] == 0xcf {
		r.Pos = at
		return 0, ErrType
	}
	return int64(bits), err
}

// Float64 reads any number. Nil is 0.
func (r *Reader) Float64() (float64, error) {
	if left := r.Buf[min(r.Pos, len(r.Buf)):]; len(left) >= 9 {
		// What nearly every number of a payload is.
		switch c := left[0]; {
		case c == Float64Code:
			r.Pos += 9
			return math.Float64frombits(binary.BigEndian.Uint64(left[1:])), nil
		case c < 0x80:
			r.Pos++
			return float64(c), nil
		}
	}
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
