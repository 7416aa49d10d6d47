package tagtruncate

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

func TestInvalidUTF8IsRepairedOrKeptAsConfigured(t *testing.T) {
	for _, c := range []struct {
		name    string
		shears  shears
		in, out string
		limit   int
	}{
		{"keep cuts between bytes that are no text", shears{bytes: true}, "\x80\x80\x80\x80\x80\x80", "\x80\x80\x80\x80", 4},
		{"keep counts an invalid byte as a rune", shears{}, "a\xffb\xfec", "a\xffb\xfe", 4},
		{"repair leaves alone what is not cut", shears{repair: true, reads: true}, "a\xff", "a\xff", 4},
		{"repair makes what is cut valid", shears{repair: true, reads: true}, "a\xffbcde", "a\uFFFDbc", 4},
		{"repair counts bytes after the repair", shears{repair: true, reads: true, bytes: true}, "\xff\xffabcde", "\uFFFD", 4},
		{"repair does not look behind the cut", shears{repair: true, reads: true}, "abcd\xff", "abcd", 4},
		{"repair_all repairs what is not cut", shears{repair: true, reads: true, checkAll: true}, "a\xff", "a\uFFFD", 4},
		{"repair_all cuts what the repair makes too long", shears{repair: true, reads: true, checkAll: true, bytes: true}, "ab\xff", "ab", 4},
		{"a rune that was cut by the sender is invalid", shears{repair: true, reads: true, checkAll: true}, "ab\xe2\x82", "ab\uFFFD\uFFFD", 4},
		{"no limit, no look", shears{repair: true, reads: true}, "a\xff", "a\xff", 0},
		// Found by FuzzCut: what grew by the repair was cut although there is no limit.
		{"repair_all without a limit cuts nothing", shears{repair: true, reads: true, checkAll: true}, "\x870", "\uFFFD0", 0},
	} {
		out, _, _ := c.shears.cut(c.in, c.limit)
		require.Equal(t, c.out, out, c.name)
	}
}

func TestAShortPieceOfALongStringDoesNotKeepItAlive(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	sh := shears{reads: true, repair: true}
	out, short, _ := sh.cut(long, 1024)
	require.True(t, short)
	require.Len(t, out, 1024)
}

// FuzzCut holds every kind of cut to its promises.
func FuzzCut(f *testing.F) {
	f.Add("abc\u00e9", 3, uint8(0))
	f.Add("ab👨‍👩‍👧c🇩🇪🇫🇷", 4, uint8(2))
	f.Add("a\xffb\xe2\x82c", 2, uint8(5))
	f.Add("0123456789...[cut]", 10, uint8(16))
	f.Add("0123456789...[cut]x", 10, uint8(24))
	f.Fuzz(func(t *testing.T, s string, limit int, flags uint8) {
		sh := shears{
			bytes: flags&1 != 0, graphemes: flags&2 != 0, repair: flags&4 != 0 || flags&32 != 0, checkAll: flags&32 != 0,
			markerInside: flags&8 != 0,
		}
		sh.reads = sh.repair || !sh.bytes
		if flags&16 != 0 {
			sh.marker = "...[cut]"
			sh.markerSize = len(sh.marker)
		}
		if limit < 0 || limit > 1<<20 || sh.markerInside && limit > 0 && limit <= sh.markerSize {
			return // refused by the configuration
		}
		out, short, repaired := sh.cut(s, limit)

		again, short2, repaired2 := sh.cut(out, limit)
		require.Equal(t, out, again, "twice is once")
		require.False(t, short2 || repaired2)
		if !short && !repaired {
			require.Equal(t, s, out)
		}
		source := s
		if repaired {
			source = replaced(s)
		}
		if short && sh.repair || sh.checkAll || utf8.ValidString(s) {
			require.True(t, utf8.ValidString(out))
		}
		if limit == 0 {
			require.Equal(t, source, out)
			return
		}
		kept, most := out, limit
		if short {
			var marked bool
			kept, marked = strings.CutSuffix(out, sh.marker)
			require.True(t, marked)
			if sh.markerInside {
				most -= sh.markerSize
			}
		} else if sh.marker != "" && !sh.markerInside {
			most += sh.markerSize // cut and marked by an earlier pass
		}
		require.True(t, strings.HasPrefix(source, kept), "%q is no beginning of %q", kept, source)
		require.LessOrEqual(t, sh.units(kept), most)
		if !short {
			return
		}
		_, next := utf8.DecodeRuneInString(source[len(kept):])
		switch {
		case !sh.graphemes:
			require.Greater(t, sh.units(source[:len(kept)+next]), most, "one more would have fitted")
		case utf8.ValidString(source):
			require.True(t, kept == "" || onCluster(source, len(kept)) || len(firstCluster(source)) > len(kept))
		}
	})
}

func (sh *shears) units(s string) int {
	if sh.bytes {
		return len(s)
	}
	return utf8.RuneCountInString(s)
}

// replaced is s with U+FFFD for every invalid byte, the simple way.
func replaced(s string) string { return string([]rune(s)) }

func firstCluster(s string) string {
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	return cluster
}

func onCluster(s string, at int) bool {
	g := uniseg.NewGraphemes(s)
	for g.Next() {
		if _, end := g.Positions(); end == at {
			return true
		}
	}
	return false
}
