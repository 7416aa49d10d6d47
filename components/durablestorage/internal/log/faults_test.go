package log

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// appendDone writes items that are done at once.
func appendDone(t *testing.T, l *Log, from, to uint64) {
	t.Helper()
	for i := from; i < to; i++ {
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
		l.Done(i)
	}
	require.NoError(t, l.Flush())
}

// Two requests that are tried for hours lie in different segments: neither keeps what
// is between and behind them.
func TestItemsThatStayInSeveralSegmentsDoNotPinTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	require.NoError(t, l.Append(Item{0, []byte("stays")}))
	appendDone(t, l, 1, 20)
	require.NoError(t, l.Append(Item{20, []byte("stays too")}))
	appendDone(t, l, 21, 1000)
	require.LessOrEqual(t, l.Segments(), pinnedSegments+3)
	require.NoError(t, l.Close())
	require.Equal(t, map[uint64]string{0: "stays", 20: "stays too"}, contents(t, open(t, dir, small)))
}

// An item that the disk does not give back stays with its segment, alone.
func TestAnItemThatCannotBeReadDoesNotPinTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	require.NoError(t, l.Append(Item{0, []byte("kept")}))
	appendDone(t, l, 1, 8)
	readable := l.segments[0].file
	unreadable, err := os.OpenFile(readable.Name(), os.O_WRONLY, 0) // each read of it fails
	require.NoError(t, err)
	l.segments[0].file = unreadable
	appendDone(t, l, 8, 1000)
	require.LessOrEqual(t, l.Segments(), pinnedSegments+3)
	require.NoError(t, readable.Close())
	require.NoError(t, l.Close())
	require.Equal(t, "kept", contents(t, open(t, dir, small))[0])
}

// Files that can't be read may be whole: however many they are, the start that finds
// them removes none.
func TestSegmentsThatCannotBeReadAreAllKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 6 {
		require.NoError(t, os.Mkdir(segmentPath(dir, uint64(i+1)), 0o700))
	}
	l, report, err := Open(dir, small)
	require.NoError(t, err)
	require.Len(t, report.Aside, 6)
	require.NoError(t, l.Close())
	aside, err := filepath.Glob(filepath.Join(dir, "*"+asideMark+"*"))
	require.NoError(t, err)
	require.Len(t, aside, 6)
}

// A clock that was set back does not make the newest file the first to go.
func TestTheNewestFileSetAsideStaysWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range keepAside {
		later := time.Now().Add(time.Duration(i+1) * time.Hour).UTC().Format("20060102T150405.000000000Z")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "old.seg"+asideMark+later), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(segmentPath(dir, 1), []byte("garbage"), 0o600))
	l, report, err := Open(dir, small)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Len(t, report.Aside, 1)
	require.FileExists(t, report.Aside[0])
	aside, err := filepath.Glob(filepath.Join(dir, "*"+asideMark+"*"))
	require.NoError(t, err)
	require.Len(t, aside, keepAside)
}

// What is no file of ours under a name like ours costs nothing.
func TestForeignNamesAreNoSegments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"000000000000000A.seg", "FFFFFFFFFFFFFFFF.seg", "1.seg"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("foreign"), 0o600))
	}
	l := open(t, dir, small)
	require.NoError(t, l.Append(Item{0, []byte("a")}))
	require.NoError(t, l.Close())
	require.Equal(t, map[uint64]string{0: "a"}, contents(t, open(t, dir, small)))
}

// The largest id leaves no number for the next segment: a file of that name without
// a header is set aside and counts for nothing.
func TestASegmentWithTheLargestIDIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(segmentPath(dir, 1<<64-1), []byte("foreign"), 0o600))
	l, _, err := Open(dir, small)
	require.NoError(t, err)
	require.Equal(t, uint64(1), l.last().id)
	require.NoError(t, l.Close())
}

// Segments have their space from the start, so what an item leaves free at a
// segment's end is in the log's size.
func TestTheSizeIsWhatTheDiskHolds(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), small)
	for i := range uint64(20) { // one in each segment
		require.NoError(t, l.Append(Item{i, make([]byte, 2500)}))
	}
	require.GreaterOrEqual(t, l.Size(), 19*small.SegmentBytes)
}

// A segment that a large item made large gives the rest back when it is used again.
func TestALargeSegmentIsSmallInItsNextLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	for i := range uint64(12) {
		require.NoError(t, l.Append(Item{i, make([]byte, 1<<20)}))
		l.Done(i)
		require.NoError(t, l.Flush())
		require.NoError(t, l.Append(Item{100 + i, []byte("stays")}))
	}
	require.NotNil(t, l.next)
	for _, s := range append([]*segment{l.next}, l.segments...) {
		info, err := s.file.Stat()
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), max(s.size, small.SegmentBytes), s.file.Name())
	}
}
