package durablestorage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// disk is a storage on a disk that can be made full: writes then fail unless
// the reserve has been given back. errAll fails reads too.
type disk struct {
	storage.Client
	mu      sync.Mutex
	full    bool
	errAll  error
	reserve string
	commits int
}

func (d *disk) set(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

func (d *disk) Batch(ctx context.Context, ops ...*storage.Operation) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits++
	if d.errAll != nil {
		return d.errAll
	}
	if d.full {
		for _, op := range ops {
			_, err := os.Stat(d.reserve)
			if op.Type != storage.Get && err == nil {
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			}
		}
	}
	return d.Client.Batch(ctx, ops...)
}

// onDisk opens a queue and puts a disk between it and file_storage.
func onDisk(t testing.TB, k *kit) (*client, *disk) {
	t.Helper()
	c := k.open(t)
	d := &disk{Client: c.inner, reserve: c.reserve.path}
	c.inner = d
	return c, d
}

// queueOps are the batches that exporterhelper sends.
func offer(t testing.TB, c storage.Client, i int) error {
	return c.Batch(t.Context(), storage.SetOperation(queue.MetadataKey, metaBytes(0, uint64(i+1))), storage.SetOperation(queue.RequestKey(uint64(i)), encoded(t, i)))
}

func dispatch(t testing.TB, c storage.Client, i int) ([]byte, error) {
	get := storage.GetOperation(queue.RequestKey(uint64(i)))
	err := c.Batch(t.Context(), storage.SetOperation(queue.MetadataKey, metaBytes(uint64(i+1), 1000)), get)
	return get.Value, err
}

func finish(t testing.TB, c storage.Client, i int) error {
	return c.Batch(t.Context(), storage.SetOperation(queue.MetadataKey, metaBytes(uint64(i+1), 1000)), storage.DeleteOperation(queue.RequestKey(uint64(i))))
}

func TestAFullDiskRefusesPutsAndNothingElse(t *testing.T) {
	k := newKit(t, t.TempDir())
	c, d := onDisk(t, k)
	for i := range 10 {
		require.NoError(t, offer(t, c, i))
	}
	d.set(true)
	err := offer(t, c, 10)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoFileExists(t, c.reserve.path, "reads and deletes have the reserve's space now")
	c.reserve.tried = time.Now().Add(time.Hour) // the disk stays full
	err = offer(t, c, 10)
	require.ErrorIs(t, err, storage.ErrStorageFull)
	require.EqualValues(t, 2, k.metric(t, "refused_puts"))
	for i := range 10 {
		value, err := dispatch(t, c, i)
		require.NoError(t, err)
		require.Equal(t, encoded(t, i), value)
		require.NoError(t, finish(t, c, i))
	}
	eventually(t, "deletes are committed", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.pending) == 0 })

	d.set(false)
	c.mu.Lock()
	c.reserve.tried = time.Time{}
	c.mu.Unlock()
	require.NoError(t, offer(t, c, 11))
	require.FileExists(t, c.reserve.path, "whole again")
}

func TestAFullDiskAtStartLosesNothing(t *testing.T) {
	dir := t.TempDir()
	stuck := newBackend(false)
	exp := newQueue(t, newKit(t, dir), stuck, 20)
	for i := range 50 {
		require.NoError(t, exp.ConsumeLogs(t.Context(), logs(body(i))))
	}
	eventually(t, "all consumers are busy", func() bool { return stuck.holds() == 20 })
	image := kill(t, dir)
	close(stuck.open)
	require.NoError(t, exp.Shutdown(t.Context()))

	k := newKit(t, image)
	inner, err := k.inner.GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	r := newReserve(filepath.Join(image, ".reserve-"+queueFile), mib)
	d := &disk{Client: inner, full: true, reserve: r.path}
	c := newClient(walking{d}, filepath.Join(image, queueFile), r, k.cfg, k.logger, k.durableStorage.tel.forQueue("q"))
	require.NoError(t, c.recover(t.Context()))
	c.start()
	require.NoError(t, c.Close(t.Context()))

	b := newBackend(true)
	next := newQueue(t, k, b, 2)
	eventually(t, "every record arrives", func() bool { return b.distinct() == 50 })
	require.NoError(t, next.Shutdown(t.Context()))
}

type walking struct{ *disk }

func (w walking) Walk(ctx context.Context, fn storage.WalkFunc) error {
	return w.Client.(storage.Walker).Walk(ctx, fn)
}

// exporterhelper deletes an item that it can't read; it must be there at the
// next start.
func TestARequestThatCantBeReadIsKept(t *testing.T) {
	dir := t.TempDir()
	k := newKit(t, dir)
	c, d := onDisk(t, k)
	for i := range 3 {
		require.NoError(t, offer(t, c, i))
	}
	clear(c.cache.values)
	d.mu.Lock()
	d.errAll = syscall.EIO
	d.mu.Unlock()
	_, err := dispatch(t, c, 0)
	require.ErrorIs(t, err, syscall.EIO)
	require.NoError(t, finish(t, c, 0), "exporterhelper gives up on it")
	d.mu.Lock()
	d.errAll = nil
	d.mu.Unlock()
	require.NoError(t, finish(t, c, 1))
	require.EqualValues(t, 1, k.metric(t, "unreadable_requests"))
	require.NoError(t, c.Close(t.Context()))

	k = newKit(t, dir)
	again := k.open(t)
	require.EqualValues(t, 1, k.metric(t, "recovered_requests"))
	value, err := dispatch(t, again, 0)
	require.NoError(t, err)
	require.Equal(t, encoded(t, 0), value)
}

func TestAPlaceWithoutARequestIsAnError(t *testing.T) {
	k := newKit(t, t.TempDir())
	c := k.open(t)
	_, err := dispatch(t, c, 7)
	require.ErrorIs(t, err, errMissing)
	require.EqualValues(t, 1, k.metric(t, "missing_requests"))
}

func TestAQueueFileHasACap(t *testing.T) {
	k := newKit(t, t.TempDir(), func(c *Config) {
		c.MaxBytes = minMaxBytes
		c.Compaction.ReboundNeededThresholdMiB, c.Compaction.ReboundTriggerThresholdMiB = 20, 1
	})
	c := k.open(t)
	value := []byte(strings.Repeat("x", 100_000))
	n := 0
	for ; n < 1000; n++ {
		if err := c.Set(t.Context(), queue.RequestKey(uint64(n)), value); err != nil {
			require.ErrorIs(t, err, storage.ErrStorageFull)
			break
		}
	}
	require.Less(t, n, 1000)
	info, err := os.Stat(c.path)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(minMaxBytes))
	require.LessOrEqual(t, k.metric(t, "live_bytes"), k.metric(t, "limit_bytes"))
	require.Equal(t, info.Size(), k.metric(t, "file_bytes"))

	_, err = dispatch(t, c, 0)
	require.NoError(t, err)
	require.NoError(t, finish(t, c, 0))
	require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(n)), value), "what was delivered makes room")
}

// With fsync a small request with a delete behind it is one commit, not three.
func TestMarksShareTheCommitOfTheNextPut(t *testing.T) {
	k := newKit(t, t.TempDir(), func(c *Config) { c.FSync, c.CommitInterval = true, time.Second })
	c, d := onDisk(t, k)
	for i := range 100 {
		require.NoError(t, offer(t, c, i))
		_, err := dispatch(t, c, i)
		require.NoError(t, err)
		require.NoError(t, finish(t, c, i))
	}
	require.LessOrEqual(t, d.commits, 102)
}

// What is delivered and not deleted is sent again after a kill, so a delete that
// costs no wait for the disk does not wait for company either.
func TestWithoutFSyncADeleteIsCommittedAtOnce(t *testing.T) {
	k := newKit(t, t.TempDir())
	k.cfg.CommitInterval = time.Hour
	c, d := onDisk(t, k)
	require.NoError(t, offer(t, c, 0))
	_, err := dispatch(t, c, 0)
	require.NoError(t, err)
	require.NoError(t, finish(t, c, 0))
	key := storage.GetOperation(queue.RequestKey(0))
	eventually(t, "the request is gone from the disk", func() bool {
		require.NoError(t, d.Batch(t.Context(), key))
		return key.Value == nil
	})
}

// What a delete that waited costs when the process dies: one request twice.
func TestAKillBeforeMarksAreCommittedRepeatsAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	k := newKit(t, dir, func(c *Config) { c.FSync, c.CommitInterval = true, time.Second })
	c := k.open(t)
	for i := range 10 {
		require.NoError(t, offer(t, c, i))
	}
	for i := range 5 {
		_, err := dispatch(t, c, i)
		require.NoError(t, err)
		require.NoError(t, finish(t, c, i))
	}
	b := newBackend(true)
	exp := newQueue(t, newKit(t, kill(t, dir)), b, 1)
	eventually(t, "all ten arrive", func() bool { return b.distinct() == 10 })
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestDrainingReadsAhead(t *testing.T) {
	dir := t.TempDir()
	c := newKit(t, dir).open(t)
	for i := range 300 {
		require.NoError(t, offer(t, c, i))
	}
	require.NoError(t, c.Close(t.Context()))

	c, d := onDisk(t, newKit(t, dir, func(c *Config) { c.FSync, c.CommitInterval = true, time.Second }))
	for i := range 300 {
		value, err := dispatch(t, c, i)
		require.NoError(t, err)
		require.Equal(t, encoded(t, i), value)
		require.NoError(t, finish(t, c, i))
	}
	require.Less(t, d.commits, 60)
	require.LessOrEqual(t, c.cache.bytes, maxCached)
}

func TestFileNamesAreThoseOfFileStorage(t *testing.T) {
	for _, id := range []component.ID{exporterID, component.MustNewIDWithName("otlp_http", "a/b c~é"), component.MustNewIDWithName("x", strings.Repeat("n", 400))} {
		dir := t.TempDir()
		c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, id, "traces")
		require.NoError(t, err)
		require.NoError(t, c.Close(t.Context()))
		require.FileExists(t, filepath.Join(dir, fileName(component.KindExporter, id, "traces")))
	}
}

func TestConfigSpeaksToItsUser(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"directory must be set":                                                        func(c *Config) { c.Directory = "" },
		"directory must exist when create_directory is false":                          func(c *Config) { c.Directory, c.CreateDirectory = "/no/such", false },
		`directory_permissions must be an octal mode such as "0750", got "rwx"`:        func(c *Config) { c.DirectoryPermissions = "rwx" },
		"timeout must be positive, got 0s":                                             func(c *Config) { c.Timeout = 0 },
		"commit_interval must be between 0s and 1s, got 2s":                            func(c *Config) { c.CommitInterval = 2 * time.Second },
		"max_bytes must be at least 33554432, got 5":                                   func(c *Config) { c.MaxBytes = 5 },
		"reserve_bytes must be between 1048576 and a quarter of max_bytes, got 1":      func(c *Config) { c.ReserveBytes = 1 },
		"compaction::check_interval must be positive, got 0s":                          func(c *Config) { c.Compaction.CheckInterval = 0 },
		"compaction::rebound_trigger_threshold_mib must be positive, got 0":            func(c *Config) { c.Compaction.ReboundTriggerThresholdMiB = 0 },
		"compaction::rebound_needed_threshold_mib must be above rebound_trigger_thres": func(c *Config) { c.Compaction.ReboundNeededThresholdMiB = 16 },
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.Directory = t.TempDir()
		require.NoError(t, cfg.Validate())
		change(cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	cfg := createDefaultConfig().(*Config)
	cfg.Directory = file
	require.ErrorContains(t, cfg.Validate(), "directory must be a directory, got the file")
}

// A file does not shrink when its queue is drained: a disk that the queue has
// filled stays full, and the free pages in the file are all there is to live in.
func TestADrainedQueueLivesInItsFileOnAFullDisk(t *testing.T) {
	c := newKit(t, t.TempDir()).open(t)
	noReserve := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reserve.release()
		c.reserve.tried = time.Now().Add(time.Hour)
	}
	noReserve()
	require.ErrorIs(t, offer(t, c, 0), storage.ErrStorageFull, "the file has no free pages")
	c.reserve.tried = time.Time{}
	value := []byte(strings.Repeat("x", 100_000))
	for i := range 50 {
		require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(i)), value))
	}
	for i := range 50 {
		_, err := dispatch(t, c, i)
		require.NoError(t, err)
		require.NoError(t, finish(t, c, i))
	}
	noReserve()
	require.NoError(t, offer(t, c, 50))
	require.ErrorIs(t, c.Set(t.Context(), "51", []byte(strings.Repeat("x", 3_000_000))), storage.ErrStorageFull, "too much for the free pages")
}

// Damage in a value does not show in the file's structure.
func TestADamagedRequestInAHealthyFileIsCounted(t *testing.T) {
	dir := t.TempDir()
	c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	put(t, c, 0, 1)
	require.NoError(t, c.Set(t.Context(), "2", []byte("\x0a\xff\xff garbled")))
	require.NoError(t, c.Set(t.Context(), queue.MetadataKey, metaBytes(0, 3)))
	require.NoError(t, c.Close(t.Context()))

	k, b := newKit(t, dir), newBackend(true)
	exp := newQueue(t, k, b, 1)
	eventually(t, "the intact ones arrive", func() bool { return b.distinct() == 2 })
	eventually(t, "the damaged one is counted", func() bool { return k.metric(t, "corrupt_requests") == 1 })
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestAQueueWithoutAnExporterIsSaid(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, newKit(t, dir).open(t).Close(t.Context()))
	k := newKit(t, dir)
	require.NoError(t, k.Ready())
	require.EqualValues(t, 1, k.metric(t, "unclaimed_files"))
	k.open(t)
	require.NoError(t, k.Ready())
	require.Zero(t, k.metric(t, "unclaimed_files"))
	require.NoError(t, k.NotReady())
}
