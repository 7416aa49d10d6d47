package msgpack

import "encoding/binary"

// Scanner finds where a value ends while its bytes arrive. It looks at every byte once and allocates nothing, whatever lengths are
// declared. The zero value is ready; Reset makes it so again.
type Scanner struct {
	open    [MaxDepth]uint64 // values still to come at each level that is open
	depth   int
	skip    uint64 // bytes still to come of a string, number or extension
	head    [5]byte
	headLen int // bytes in head: a header that was cut in two
	read    int // bytes consumed by earlier calls
	begun   bool

	// Values is how many values were begun, the value itself and everything nested in it included.
	Values int
	// Elements is where the first elements begin if the value is an array.
	Elements [8]int
	elements int
}

// Reset makes the scanner ready for the next value.
func (s *Scanner) Reset() { *s = Scanner{} }

// Pending is how many more bytes are declared at least.
func (s *Scanner) Pending() uint64 { return s.skip }

// Feed takes the next bytes and returns how many of them belong to the value, and whether it is complete. After an error, which is
// ErrInvalid or ErrDepth, no later byte can be made sense of.
func (s *Scanner) Feed(b []byte) (n int, done bool, err error) {
	i := 0
	for {
		if s.skip > 0 {
			left := uint64(len(b) - i)
			if left < s.skip {
				s.skip -= left
				s.read += len(b)
				return len(b), false, nil
			}
			i += int(s.skip)
			s.skip = 0
		}
		for s.depth > 0 && s.open[s.depth-1] == 0 {
			s.depth--
		}
		if s.begun && s.depth == 0 && s.headLen == 0 {
			s.read += i
			return i, true, nil
		}
		if i >= len(b) {
			s.read += i
			return i, false, nil
		}
		if s.headLen == 0 {
			if s.depth == 1 && s.elements < len(s.Elements) {
				s.Elements[s.elements] = s.read + i
				s.elements++
			}
			if c := b[i]; c < 0x80 || c >= 0xe0 || c >= 0xa0 && c < 0xc0 {
				// Small integers and short strings are most of what there is.
				i++
				s.begin()
				if c >= 0xa0 && c < 0xc0 {
					s.skip = uint64(c & 0x1f)
				}
				continue
			}
		}
		var ok bool
		if i, ok = s.header(b, i); !ok {
			s.read += i
			return i, false, nil
		}
		if err := s.enter(); err != nil {
			s.read += i
			return i, false, err
		}
	}
}

// begin counts a value off at its level.
func (s *Scanner) begin() {
	s.begun = true
	s.Values++
	if s.depth > 0 {
		s.open[s.depth-1]--
	}
}

// header collects the first byte of a value and its length in head, and reports whether it is whole.
func (s *Scanner) header(b []byte, i int) (int, bool) {
	if s.headLen == 0 {
		s.head[0] = b[i]
		s.headLen = 1
		i++
	}
	want := 1 + lengthWidths[s.head[0]]
	n := copy(s.head[s.headLen:want], b[i:])
	s.headLen += n
	return i + n, s.headLen == want
}

// enter acts on the header in head.
func (s *Scanner) enter() error {
	c := s.head[0]
	var n uint64
	switch s.headLen {
	case 2:
		n = uint64(s.head[1])
	case 3:
		n = uint64(binary.BigEndian.Uint16(s.head[1:]))
	case 5:
		n = uint64(binary.BigEndian.Uint32(s.head[1:]))
	}
	s.headLen = 0
	s.begin()
	switch kinds[c] {
	case Invalid:
		return ErrInvalid
	case Map:
		if c < 0x90 {
			n = uint64(c & 0x0f)
		}
		return s.nest(2 * n)
	case Array:
		if c < 0xa0 {
			n = uint64(c & 0x0f)
		}
		return s.nest(n)
	case Float, Int, Uint:
		if c >= 0xca && c <= 0xd3 {
			s.skip = uint64(numberSizes[c-0xca] - 1)
		}
	case Ext:
		if c >= 0xd4 {
			n = 1 << (c - 0xd4)
		}
		s.skip = n + 1
	case Str, Bin:
		s.skip = n
	}
	return nil
}

func (s *Scanner) nest(values uint64) error {
	if s.depth == MaxDepth {
		return ErrDepth
	}
	s.open[s.depth] = values
	s.depth++
	return nil
}
