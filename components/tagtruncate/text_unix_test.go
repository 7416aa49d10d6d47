//go:build linux || darwin

package tagtruncate

import (
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A cut costs the length of the limit, not of the value: the middle of this
// value cannot be read at all, so a walk through it would fault.
func TestACutReadsNoFurtherThanTheLimit(t *testing.T) {
	const limit = 1024
	page := os.Getpagesize()
	for _, text := range []string{"x", "é", "日", "\xff", "e\u0301", "👨‍👩‍👧"} {
		size := 1 << 20
		memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		require.NoError(t, err)
		copy(memory, strings.Repeat(text, size/len(text)))
		// A cluster may take 20 bytes, a rune 4; the last page holds what a marker is compared with.
		head := (limit*20/page + 1) * page
		require.NoError(t, syscall.Mprotect(memory[head:size-page], syscall.PROT_NONE))
		value := unsafe.String(&memory[0], size)

		for _, c := range []cutter{
			{}, {bytes: true}, {repair: true, reads: true}, {repair: true, reads: true, checkAll: true},
			{repair: true, reads: true, checkAll: true, bytes: true}, {graphemes: true, reads: true},
			{marker: "...", markerSize: 3}, {marker: "...", markerSize: 3, markerInside: true},
		} {
			func() {
				defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
				out, short, _ := c.cut(value, limit)
				require.True(t, short)
				require.LessOrEqual(t, c.units(strings.TrimSuffix(out, c.marker)), limit)
			}()
		}
		require.NoError(t, syscall.Munmap(memory))
	}
}
