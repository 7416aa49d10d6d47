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
		cutter  cutter
		in, out string
		limit   int
	}{
		{"keep cuts between bytes that are no text", cutter{bytes: true}, "\x80\x80\x80\x80\x80\x80", "\x80\x80\x80\x80", 4},
		{"keep counts an invalid byte as a rune", cutter{}, "a\xffb\xfec", "a\xffb\xfe", 4},
		{"repair leaves alone what is not cut", cutter{repair: true, reads: true}, "a\xff", "a\xff", 4},
		{"repair makes what is cut valid", cutter{repair: true, reads: true}, "a\xffbcde", "a\uFFFDbc", 4},
		{"repair counts bytes after the repair", cutter{repair: true, reads: true, bytes: true}, "\xff\xffabcde", "\uFFFD", 4},
		{"repair does not look behind the cut", cutter{repair: true, reads: true}, "abcd\xff", "abcd", 4},
		{"repair_all repairs what is not cut", cutter{repair: true, reads: true, checkAll: true}, "a\xff", "a\uFFFD", 4},
		{"repair_all cuts what the repair makes too long", cutter{repair: true, reads: true, checkAll: true, bytes: true}, "ab\xff", "ab", 4},
		{"a rune that was cut by the sender is invalid", cutter{repair: true, reads: true, checkAll: true}, "ab\xe2\x82", "ab\uFFFD\uFFFD", 4},
		{"no limit, no look", cutter{repair: true, reads: true}, "a\xff", "a\xff", 0},
		// Found by FuzzCut: what grew by the repair was cut although there is no limit.
		{"repair_all without a limit cuts nothing", cutter{repair: true, reads: true, checkAll: true}, "\x870", "\uFFFD0", 0},
	} {
		out, _, _ := c.cutter.cut(c.in, c.limit)
		require.Equal(t, c.out, out, c.name)
	}
}

func TestAShortPieceOfALongStringDoesNotKeepItAlive(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	c := cutter{reads: true, repair: true}
	out, short, _ := c.cut(long, 1024)
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
		c := cutter{
			bytes: flags&1 != 0, graphemes: flags&2 != 0, repair: flags&4 != 0 || flags&32 != 0, checkAll: flags&32 != 0,
			markerInside: flags&8 != 0,
		}
		c.reads = c.repair || !c.bytes
		if flags&16 != 0 {
			c.marker = "...[cut]"
			c.markerSize = len(c.marker)
		}
		if limit < 0 || limit > 1<<20 || c.markerInside && limit > 0 && limit <= c.markerSize {
			return // refused by the configuration
		}
		out, short, repaired := c.cut(s, limit)

		again, short2, repaired2 := c.cut(out, limit)
		require.Equal(t, out, again, "twice is once")
		require.False(t, short2 || repaired2)
		if !short && !repaired {
			require.Equal(t, s, out)
		}
		source := s
		if repaired {
			source = replaced(s)
		}
		if short && c.repair || c.checkAll || utf8.ValidString(s) {
			require.True(t, utf8.ValidString(out))
		}
		if limit == 0 {
			require.Equal(t, source, out)
			return
		}
		kept, most := out, limit
		if short {
			var marked bool
			kept, marked = strings.CutSuffix(out, c.marker)
			require.True(t, marked)
			if c.markerInside {
				most -= c.markerSize
			}
		} else if c.marker != "" && !c.markerInside {
			most += c.markerSize // cut and marked by an earlier pass
		}
		require.True(t, strings.HasPrefix(source, kept), "%q is no beginning of %q", kept, source)
		require.LessOrEqual(t, c.units(kept), most)
		if !short {
			return
		}
		_, next := utf8.DecodeRuneInString(source[len(kept):])
		switch {
		case !c.graphemes:
			require.Greater(t, c.units(source[:len(kept)+next]), most, "one more would have fitted")
		case utf8.ValidString(source):
			require.True(t, kept == "" || onCluster(source, len(kept)) || len(firstCluster(source)) > len(kept))
		}
	})
}

func (c *cutter) units(s string) int {
	if c.bytes {
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
