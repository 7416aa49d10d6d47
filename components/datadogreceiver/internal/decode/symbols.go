package decode

import (
	"math/bits"
	"unicode/utf8"

	"github.com/otelcol-obs/otelcol-obs/internal/bytestr"
)

// maxInternedBytes is the longest string looked up among those seen before. Beyond it a payload seldom repeats itself, and hashing
// costs more than a copy.
const maxInternedBytes = 1024

// sym is a string of this payload. Equal strings are equal syms, save those longer than maxInternedBytes. The first numKnown syms
// are the names this package knows, so that a switch can take the place of comparing strings.
type sym uint32

// noSym is the empty string.
const noSym sym = 0

type symbol struct {
	text string
	// Where the span being filled has an attribute of this name, if stamp is the span's number.
	pos   uint32
	stamp uint32
	// Where in the trail it was met last.
	met uint32
	// Of an attribute of this name: its slot in repeats, its last value and how often in a row it was that.
	slot, same uint8
	value      uint64
}

type symbols struct {
	byText map[string]sym
	all    []symbol
	// recent finds most strings with a comparison instead of a hash of all their bytes.
	recent [recentSyms]sym
}

const recentSyms = 1 << recentBits

const recentBits = 10

// slot tells where in recent a string may be, from its length and both ends.
func slot[T string | []byte](b T) uint64 {
	var head, tail uint64
	switch n := len(b); {
	case n >= 8:
		head, tail = bytestr.Uint64(b), bytestr.Uint64(b[n-8:])
	case n >= 4:
		head, tail = uint64(bytestr.Uint32(b)), uint64(bytestr.Uint32(b[n-4:]))
	default:
		head, tail = uint64(b[0]), uint64(b[n/2])<<8|uint64(b[n-1])
	}
	return (head ^ bits.RotateLeft64(tail, 23) ^ uint64(len(b))<<40) * 0x9e3779b97f4a7c15 >> (64 - recentBits)
}

func newSymbols() symbols {
	s := symbols{byText: make(map[string]sym, 256), all: make([]symbol, numKnown, 2*numKnown)}
	for i, text := range knownText {
		s.all[i].text = text
		if repeating[i] {
			s.all[i].slot, s.all[i].same = uint8(i), always
		}
	}
	return s
}

// reset forgets what the last payload brought, and the buckets too when it brought more than a usual one does.
func (s *symbols) reset() {
	if len(s.all) > maxKeptSymbols {
		*s = newSymbols()
		return
	}
	clear(s.byText)
	clear(s.recent[:])
	clear(s.all[numKnown:])
	s.all = s.all[:numKnown]
	for i := range s.all {
		y := &s.all[i]
		y.stamp, y.met = 0, 0
		if y.same != always {
			y.slot, y.same, y.value = 0, 0, 0
		}
	}
}

const maxKeptSymbols = 16 << 10

func (s *symbols) text(y sym) string { return s.all[y].text }

// intern returns the sym of b, which must be repaired to valid UTF-8 byte by byte, as the Datadog agent does.
func (s *symbols) intern(b []byte) sym {
	if len(b) == 0 {
		return noSym
	}
	if len(b) > maxInternedBytes {
		return s.add(b)
	}
	at := slot(b)
	if y := s.recent[at]; s.all[y].text == string(b) {
		return y
	}
	y, ok := s.byText[string(b)]
	if !ok {
		y = s.insert(b)
	}
	s.recent[at] = y
	return y
}

func (s *symbols) insert(b []byte) sym {
	y, known := knownSyms[string(b)]
	if !known {
		y = s.add(b)
	}
	if text := s.all[y].text; len(text) == len(b) {
		s.byText[text] = y
	} else {
		s.byText[string(b)] = y
	}
	return y
}

// internAny is intern for strings that must be found again however long they are.
func (s *symbols) internAny(b []byte) sym {
	if len(b) <= maxInternedBytes {
		return s.intern(b)
	}
	if y, ok := s.byText[string(b)]; ok {
		return y
	}
	y := s.add(b)
	s.byText[string(b)] = y
	return y
}

// internText is intern for a part of a string of the payload, which is valid. It is copied: it would keep the whole alive.
func (s *symbols) internText(text string) sym {
	if text == "" {
		return noSym
	}
	if len(text) > maxInternedBytes {
		return s.add([]byte(text))
	}
	at := slot(text)
	if y := s.recent[at]; s.all[y].text == text {
		return y
	}
	y, ok := s.byText[text]
	if !ok {
		y = s.internString(text)
	}
	s.recent[at] = y
	return y
}

// internString is intern for a string that is valid and not empty.
func (s *symbols) internString(text string) sym {
	if y, ok := knownSyms[text]; ok {
		return y
	}
	if y, ok := s.byText[text]; ok {
		return y
	}
	y := s.add([]byte(text))
	s.byText[s.all[y].text] = y
	return y
}

// add copies text, each byte that is no UTF-8 replaced by U+FFFD.
func (s *symbols) add(text []byte) sym {
	s.all = append(grow(s.all), symbol{text: validString(text)})
	return sym(len(s.all) - 1)
}

// validString copies b, each byte that is no UTF-8 replaced by U+FFFD.
func validString(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}

// grow makes room for one more. It doubles, where append of a long slice adds a quarter and so allocates five times the result.
func grow[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	bigger := make([]T, len(s), max(16, 2*len(s)))
	copy(bigger, s)
	return bigger
}
