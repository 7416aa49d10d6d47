package durablestorage

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/log"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// values are the requests of a queue, however they are numbered.
func values(t testing.TB, q *logQueue) (all []string) {
	t.Helper()
	for _, i := range q.log.Indexes() {
		v, err := q.log.Read(i)
		require.NoError(t, err)
		all = append(all, string(v))
	}
	return all
}

// An earlier version that runs for a while begins a file of its own, with numbers that
// the log has too: both are sent, and once however often the process is
// killed while it brings them together.
func TestAFileWrittenBesideALogIsBroughtOverWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	for i := range 3 {
		require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(i)), encoded(t, i)))
	}
	require.NoError(t, c.Close(t.Context()))

	// The version before knows no log.
	other := t.TempDir()
	old := newKit(t, other).open(t)
	for i := range 3 {
		require.NoError(t, old.Batch(t.Context(), storage.SetOperation(queue.MetadataKey, metaBytes(0, uint64(i+1))),
			storage.SetOperation(queue.RequestKey(uint64(i)), encoded(t, 10+i))))
	}
	require.NoError(t, old.Close(t.Context()))
	file, err := os.ReadFile(filepath.Join(other, queueFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile), file, 0o600))

	want := []string{}
	for _, i := range []int{0, 1, 2, 10, 11, 12} {
		want = append(want, string(encoded(t, i)))
	}
	halfWay := dir
	for range 3 { // killed before the file had its new name
		k := newLogKit(t, halfWay)
		l, _, err := log.Open(filepath.Join(halfWay, queueDir), log.Options{Queue: queueFile})
		require.NoError(t, err)
		_, err = k.appendFile(t.Context(), l, component.KindExporter, exporterID, "logs")
		require.NoError(t, err)
		halfWay = killTree(t, halfWay)
		require.NoError(t, l.Close())
	}
	c = newLogKit(t, halfWay).openLog(t)
	require.ElementsMatch(t, want, values(t, c))
	require.NoError(t, c.Close(t.Context()))
}

// A number that the log can't follow is given another.
func TestARequestWithAHugeNumberIsBroughtOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := newKit(t, dir).open(t)
	for _, i := range []uint64{3, 1<<56 - 1, 1 << 60, 1<<64 - 1} {
		require.NoError(t, old.Set(t.Context(), queue.RequestKey(i), encoded(t, 1)))
	}
	require.NoError(t, old.Close(t.Context()))
	c := newLogKit(t, dir).openLog(t)
	require.Len(t, values(t, c), 4)
	require.NoError(t, c.Set(t.Context(), queue.RequestKey(c.log.Next()), encoded(t, 2)))
}

// A directory that an operator moved to another disk is reached by a link.
func TestALinkToAQueueIsFollowed(t *testing.T) {
	t.Parallel()
	dir, disk := t.TempDir(), t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	require.NoError(t, c.Set(t.Context(), "0", encoded(t, 1)))
	require.NoError(t, c.Close(t.Context()))
	moved := filepath.Join(disk, queueDir)
	require.NoError(t, os.CopyFS(moved, os.DirFS(filepath.Join(dir, queueDir))))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, queueDir)))
	require.NoError(t, os.Symlink(moved, filepath.Join(dir, queueDir)))
	require.Len(t, values(t, newLogKit(t, dir).openLog(t)), 1)
}

// Each gap that is too wide to step over is closed, not the widest alone.
func TestSeveralWideGapsAreClosedAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	for i := range 4 {
		require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(i)*1_000_000_000), encoded(t, i)))
	}
	require.NoError(t, c.Close(t.Context()))
	c = newLogKit(t, dir).openLog(t)
	require.Len(t, values(t, c), 4)
	m, err := queue.ParseMetadata(c.metadata)
	require.NoError(t, err)
	require.LessOrEqual(t, m.Write-m.Read, uint64(maxGap))
}

// A clock that was set back does not make the newest damaged file the first to go.
func TestTheNewestFileSetAsideStaysWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range keepAside {
		later := time.Now().Add(time.Duration(i+1) * time.Hour).UTC().Format("20060102T150405.000000000Z")
		require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile+asideMark+later), []byte("old"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile), []byte("newest"), 0o600))
	newLogKit(t, dir).openLog(t)
	aside, err := filepath.Glob(filepath.Join(dir, queueFile+asideMark+"*"))
	require.NoError(t, err)
	require.Len(t, aside, keepAside)
	newest, err := os.ReadFile(aside[0])
	require.NoError(t, err)
	require.Equal(t, "newest", string(newest))
}
