package durablestorage

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/xpdata/request"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/log"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

const queueDir = queueFile + logSuffix

// newLogKit is a kit whose queues are logs, as they are by default.
func newLogKit(t testing.TB, dir string, change ...func(*Config)) *kit {
	t.Helper()
	return newKit(t, dir, append([]func(*Config){func(cfg *Config) { cfg.Format = formatLog }}, change...)...)
}

func (k *kit) openLog(t testing.TB) *logQueue {
	t.Helper()
	c, err := k.GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c.(*logQueue)
}

// killTree is kill for a directory with directories in it.
func killTree(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

func TestQueuesAreLogsByDefault(t *testing.T) {
	t.Parallel()
	require.Equal(t, formatLog, createDefaultConfig().(*Config).Format)
	dir := t.TempDir()
	k := newLogKit(t, dir)
	k.openLog(t)
	require.DirExists(t, filepath.Join(dir, queueDir))
	require.NoFileExists(t, filepath.Join(dir, queueFile))
}

// The linked exporterhelper's queue on a log is killed again and again while it
// takes, sends and starts: everything taken arrives.
func TestAQueueOnALogIsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	taken := 0
	for range 6 {
		k := newLogKit(t, dir)
		held := newBackend(false)
		q := newQueue(t, k, held, 3)
		for range 20 + r.IntN(60) {
			require.NoError(t, q.ConsumeLogs(t.Context(), logs(body(taken))))
			taken++
		}
		eventually(t, "requests in flight", func() bool { return held.holds() > 0 })
		dir = killTree(t, dir)
		close(held.open) // and the directory that is left behind is drained
		require.NoError(t, q.Shutdown(t.Context()))
	}
	b := newBackend(true)
	k := newLogKit(t, dir)
	q := newQueue(t, k, b, 3)
	eventually(t, "everything arrives", func() bool { return b.distinct() == taken })
	require.NoError(t, q.Shutdown(t.Context()))
	require.Positive(t, k.metric(t, "recovered_requests"))
	require.Zero(t, k.metric(t, "corrupt_requests"))
}

func TestALogIsEmptyAfterItWasDrained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := newLogKit(t, dir)
	b := newBackend(true)
	q := newQueue(t, k, b, 2)
	for i := range 200 {
		require.NoError(t, q.ConsumeLogs(t.Context(), logs(body(i))))
	}
	eventually(t, "everything arrives", func() bool { return b.distinct() == 200 })
	eventually(t, "nothing is live", func() bool { return k.metric(t, "live_bytes") == 0 })
	require.NoError(t, q.Shutdown(t.Context()))
	c := newLogKit(t, dir).openLog(t)
	require.Zero(t, c.log.Len())
}

// What an earlier version left in a bbolt file comes over once, whenever the process
// is killed, and the file goes when it is sent.
func TestABboltFileIsBroughtOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := newKit(t, dir)
	held := newBackend(false)
	q := newQueue(t, old, held, 2)
	for i := range 100 {
		require.NoError(t, q.ConsumeLogs(t.Context(), logs(body(i))))
	}
	eventually(t, "requests in flight", func() bool { return held.holds() == 2 })
	before := kill(t, dir)
	close(held.open)
	require.NoError(t, q.Shutdown(t.Context()))

	// Brought over, and killed before the file had its new name.
	halfWay := killTree(t, before)
	k := newLogKit(t, halfWay)
	require.Equal(t, 100, k.openLog(t).log.Len())
	halfWay = killTree(t, halfWay)
	imported, err := filepath.Glob(filepath.Join(halfWay, queueFile+importedMark+"*"))
	require.NoError(t, err)
	require.Len(t, imported, 1)
	require.NoError(t, os.Rename(imported[0], filepath.Join(halfWay, queueFile)))
	l, _, err := log.Open(filepath.Join(halfWay, queueDir), log.Options{Queue: queueFile})
	require.NoError(t, err)
	require.NoError(t, l.SetKey(importBaseKey, make([]byte, 8)))
	require.NoError(t, l.Close())

	b := newBackend(true)
	k = newLogKit(t, halfWay)
	q = newQueue(t, k, b, 2)
	eventually(t, "everything arrives", func() bool { return b.distinct() == 100 })
	require.NoError(t, q.Shutdown(t.Context()))
	b.mu.Lock()
	for record, n := range b.got {
		require.Equal(t, 1, n, record)
	}
	b.mu.Unlock()

	// What came from the file is sent: it goes.
	newLogKit(t, halfWay).openLog(t)
	imported, err = filepath.Glob(filepath.Join(halfWay, queueFile+importedMark+"*"))
	require.NoError(t, err)
	require.Empty(t, imported)
	require.NoFileExists(t, filepath.Join(halfWay, queueFile))
}

func TestABboltQueueIsNotOpenedWhileItsLogHoldsRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	require.NoError(t, c.Set(t.Context(), "0", []byte("request")))
	require.NoError(t, c.Close(t.Context()))
	_, err := newKit(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.ErrorContains(t, err, "format must be log until the queue is empty: 1 requests wait")

	c = newLogKit(t, dir).openLog(t)
	require.NoError(t, c.Delete(t.Context(), "0"))
	require.NoError(t, c.Close(t.Context()))
	newKit(t, dir).open(t)
}

// An empty file is never taken for a first start.
func TestAnEmptyFileIsSaid(t *testing.T) {
	t.Parallel()
	t.Run("bbolt", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile), nil, 0o600))
		k := newLogKit(t, dir)
		k.openLog(t)
		require.EqualValues(t, 1, k.metric(t, "missing_segments"))
		require.EqualValues(t, 1, k.metric(t, "set_aside_files"))
	})
	t.Run("log", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		k := newLogKit(t, dir)
		c := k.openLog(t)
		require.NoError(t, c.Set(t.Context(), "0", []byte("request")))
		require.NoError(t, c.Close(t.Context()))
		segments, err := filepath.Glob(filepath.Join(dir, queueDir, "*.seg"))
		require.NoError(t, err)
		for _, s := range segments {
			require.NoError(t, os.Truncate(s, 0))
		}
		k = newLogKit(t, dir)
		k.openLog(t)
		require.EqualValues(t, 1, k.metric(t, "missing_segments"))
		require.EqualValues(t, 1, k.metric(t, "set_aside_files"))
	})
}

func TestADamagedRequestInALogIsCountedAndKeptAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	for _, key := range []string{"0", "1", "2"} {
		require.NoError(t, c.Set(t.Context(), key, bytes.Repeat([]byte(key), 100)))
	}
	require.NoError(t, c.Close(t.Context()))
	path := filepath.Join(dir, queueDir, "0000000000000001.seg")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[bytes.Index(b, []byte("1111"))] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))

	k := newLogKit(t, dir)
	c = k.openLog(t)
	require.EqualValues(t, 1, k.metric(t, "corrupt_requests"))
	require.Equal(t, 2, c.log.Len())
	require.NoError(t, c.Delete(t.Context(), "0"))
	require.NoError(t, c.Delete(t.Context(), "2"))
	aside, err := filepath.Glob(path + asideMark + "*")
	require.NoError(t, err)
	require.Len(t, aside, 1, "it can be looked at")
}

func TestALogHasACap(t *testing.T) {
	t.Parallel()
	k := newLogKit(t, t.TempDir(), func(cfg *Config) { cfg.MaxBytes = minMaxBytes })
	c := k.openLog(t)
	var index uint64
	for ; index < 1000; index++ {
		if err := c.Set(t.Context(), queue.RequestKey(index), make([]byte, 100_000)); err != nil {
			require.ErrorIs(t, err, storage.ErrStorageFull)
			break
		}
	}
	require.Positive(t, k.metric(t, "refused_puts"))
	require.InDelta(t, minMaxBytes/8*7, float64(c.log.Size()), 200_000)
	for i := range index {
		require.NoError(t, c.Delete(t.Context(), queue.RequestKey(i)))
	}
	require.NoError(t, c.Set(t.Context(), queue.RequestKey(index), []byte("again")))
}

// With fsync a delete waits for company, and is on the disk after the interval.
func TestWithFSyncADeleteWaitsForTheInterval(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := newLogKit(t, dir, func(cfg *Config) { cfg.FSync, cfg.CommitInterval = true, time.Millisecond })
	c := k.openLog(t)
	require.NoError(t, c.Set(t.Context(), "0", []byte("request")))
	require.NoError(t, c.Batch(t.Context(), storage.SetOperation(queue.MetadataKey, metaBytes(1, 1)), storage.DeleteOperation("0")))
	eventually(t, "the delete is written", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.log.Pending() == 0
	})
	require.Zero(t, newLogKit(t, killTree(t, dir)).openLog(t).log.Len())
}

// One request was tried for so long that the queue went by: it moves to the end.
func TestAWideGapIsClosedAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	require.NoError(t, c.Set(t.Context(), "3", []byte("tried")))
	require.NoError(t, c.Set(t.Context(), "5000000", []byte("waits")))
	require.NoError(t, c.Close(t.Context()))
	c = newLogKit(t, dir).openLog(t)
	require.Equal(t, []uint64{5000000, 5000001}, c.log.Indexes())
	m, err := queue.ParseMetadata(c.metadata)
	require.NoError(t, err)
	require.EqualValues(t, 5000000, m.Read)
	require.EqualValues(t, 5000002, m.Write)
	value, err := c.Get(t.Context(), "5000001")
	require.NoError(t, err)
	require.Equal(t, "tried", string(value))
}

func TestMetadataSaysWhatWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	value, err := request.MarshalLogs(t.Context(), logs("one"))
	require.NoError(t, err)
	require.NoError(t, c.Set(t.Context(), "7", value))
	require.NoError(t, c.Set(t.Context(), "8", value))
	require.NoError(t, c.Delete(t.Context(), "7"))
	require.NoError(t, c.Close(t.Context()))
	c = newLogKit(t, dir).openLog(t)
	m, err := queue.ParseMetadata(c.metadata)
	require.NoError(t, err)
	require.Equal(t, queue.Metadata{ItemsSize: 1, BytesSize: int64(len(value)), Read: 8, Write: 9}, m)
}

func TestAQueueLogWithoutAnExporterIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newLogKit(t, dir).openLog(t)
	require.NoError(t, c.Set(t.Context(), "0", []byte("request")))
	require.NoError(t, c.Close(t.Context()))
	k := newLogKit(t, dir)
	require.NoError(t, k.Ready())
	require.EqualValues(t, 1, k.metric(t, "unclaimed_files"))
}

// A queue that lost everything takes and sends what comes next.
func TestAQueueGoesOnAfterDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"foreign": func([]byte) []byte { return bytes.Repeat([]byte("not a queue\n"), 1000) },
		"head":    func(b []byte) []byte { clear(b[:40]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			held := newBackend(false)
			q := newQueue(t, newLogKit(t, dir), held, 2)
			for i := range 20 {
				require.NoError(t, q.ConsumeLogs(t.Context(), logs(body(i))))
			}
			eventually(t, "requests in flight", func() bool { return held.holds() == 2 })
			after := killTree(t, dir)
			close(held.open)
			require.NoError(t, q.Shutdown(t.Context()))
			segments, err := filepath.Glob(filepath.Join(after, queueDir, "*.seg"))
			require.NoError(t, err)
			for _, s := range segments {
				b, err := os.ReadFile(s)
				require.NoError(t, err)
				if len(b) > 40 {
					require.NoError(t, os.WriteFile(s, damage(b), 0o600))
				}
			}
			b := newBackend(true)
			q = newQueue(t, newLogKit(t, after), b, 2)
			before := b.distinct()
			for i := range 200 {
				require.NoError(t, q.ConsumeLogs(t.Context(), logs(body(1000+i))))
			}
			eventually(t, "what comes next arrives", func() bool { return b.distinct() >= before+200 })
			require.NoError(t, q.Shutdown(t.Context()))
		})
	}
}
