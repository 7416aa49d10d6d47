package tagtruncate

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// keepAlive is how many bytes of a discarded tail a cut string may hold in
// memory: a substring keeps its whole parent alive, a copy of every cut would
// double the cost of the usual, slightly too long value.
const keepAlive = 4096

// cutter cuts strings. The zero limit of every method means no limit.
type cutter struct {
	bytes        bool // count bytes, not runes
	graphemes    bool
	repair       bool // of strings that are cut
	checkAll     bool // of every string
	plain        bool // no marker, graphemes or checkAll
	reads        bool // a cut looks at more than the rune it falls into
	marker       string
	markerSize   int
	markerInside bool
	sendersMark  string // what the sender wrote behind a value that it cut itself; empty is none
}

// sendersMarker is what libraries write behind a value that they cut.
const sendersMarker = "...[truncated]"

// cut returns s within limit units, and the reasons that changed it. It reads
// O(limit) bytes of s: a string longer than limit is never walked to its end.
func (c *cutter) cut(s string, limit int) (out string, short, repaired bool) {
	if limit == 0 || len(s) <= limit && !c.checkAll {
		if c.checkAll && !valid(s) {
			return repairPrefix(s, math.MaxInt, true), false, true
		}
		return s, false, false
	}
	// Most text is ASCII, where a byte is a rune is a character.
	end := limit
	if easy := len(s) > limit && c.reads && ascii(s[:limit]); !easy {
		end = c.end(s, limit)
		repaired = c.repair && (end < len(s) || c.checkAll) && !utf8.ValidString(s[:end])
	}
	if repaired {
		// One unit more than the limit, so that what is too long still looks it.
		s = repairPrefix(s, limit+utf8.UTFMax, c.bytes)
		end = c.end(s, limit)
	}
	if end == len(s) || c.alreadyCut(s, limit) {
		return s, false, repaired
	}
	if c.marker != "" && c.markerInside {
		end = c.end(s, limit-c.markerSize)
	}
	if c.graphemes {
		end = graphemeEnd(s, end)
	}
	switch {
	case c.marker != "":
		return s[:end] + c.marker, true, repaired
	case len(s)-end > keepAlive:
		return strings.Clone(s[:end]), true, repaired
	}
	return s[:end], true, repaired
}

// alreadyCut tells a string that an earlier pass cut and marked outside the
// limit, so that twice is once, or that its sender cut to this limit and marked:
// without its end nobody would see that something is missing.
func (c *cutter) alreadyCut(s string, limit int) bool {
	if c.endsWithin(s, c.sendersMark, limit) {
		return true
	}
	if c.marker == "" || c.markerInside {
		return false
	}
	return c.endsWithin(s, c.marker, limit)
}

// endsWithin reports whether s ends with marker and is within limit without it.
func (c *cutter) endsWithin(s, marker string, limit int) bool {
	kept, marked := strings.CutSuffix(s, marker)
	return marked && marker != "" && c.end(kept, limit) == len(kept)
}

// end is the length in bytes of the longest prefix of s within limit units
// that splits no rune. An invalid byte is a rune of its own.
func (c *cutter) end(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	if c.bytes {
		if utf8.RuneStart(s[limit]) {
			return limit
		}
		for n := limit - 1; n >= 0 && n > limit-utf8.UTFMax; n-- {
			if _, size := utf8.DecodeRuneInString(s[n:]); n+size > limit {
				return n
			}
		}
		return limit // these bytes are not text
	}
	n := 0
	for i := range s {
		if n == limit {
			return i
		}
		n++
	}
	return len(s)
}

// ascii reports whether s is ASCII, 32 bytes at a time: counting runes one by
// one would be the greater part of a cut.
func ascii(s string) bool {
	for ; len(s) >= 32; s = s[32:] {
		if (word(s, 0)|word(s, 8)|word(s, 16)|word(s, 24))&highBits != 0 {
			return false
		}
	}
	if len(s) >= 8 {
		all := word(s, len(s)-8)
		for ; len(s) > 8; s = s[8:] {
			all |= word(s, 0)
		}
		return all&highBits == 0
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

const highBits = 0x8080808080808080

// word is the eight bytes of s at i; the compiler makes one load of it.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func valid(s string) bool { return ascii(s) || utf8.ValidString(s) }

// repairPrefix returns the beginning of s, at least limit bytes or runes of it
// or all, with U+FFFD for every byte that is not part of a rune.
func repairPrefix(s string, limit int, bytes bool) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n >= limit {
			break
		}
		b.WriteRune(r)
		if n++; bytes {
			n = b.Len()
		}
	}
	return b.String()
}

// graphemeEnd moves end, a rune boundary of s, back to the boundary of the
// grapheme cluster it stands in. A cluster that began at the start of s is cut
// all the same: an empty value would say less.
func graphemeEnd(s string, end int) int {
	if end >= len(s) {
		return end
	}
	// Two ASCII characters are never one cluster, CR LF excepted, so the walk
	// starts at the last such place and whole ASCII values need no walk.
	start := end
	for start > 0 && (s[start-1] >= utf8.RuneSelf || s[start] >= utf8.RuneSelf || s[start-1] == '\r') {
		start--
	}
	_, next := utf8.DecodeRuneInString(s[end:])
	rest, state, at := s[start:end+next], -1, start
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if at+len(cluster) > end {
			break
		}
		at += len(cluster)
	}
	if at == 0 {
		return end
	}
	return at
}
