package durablestorage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
	"github.com/otelcol-obs/otelcol-obs/internal/syncdir"
)

// maxPending bounds the read marks and deletes that wait for a commit when the
// disk takes none. Beyond it a delete is an error and its request is sent again.
const maxPending = 100_000

var (
	errClosed  = errors.New("durable_storage client is closed")
	errMissing = errors.New("no request at this place in the queue")
	errPending = errors.New("too many deletes wait for a disk that takes none")
)

// client is the storage of one queue.
//
// A batch that brings a request is committed before it returns, together with
// all that is pending, or refused. A batch that only marks or deletes becomes
// pending: it is visible at once, committed with the next request or after the
// commit interval, and never refused for lack of space. A delete is committed
// as soon as the file is free, since a kill before that sends its request again,
// unless a commit waits for the disk.
type client struct {
	inner   storage.Client
	path    string
	cfg     *Config
	logger  *zap.Logger
	tel     *queueTelemetry
	onClose func()
	signal  string       // of a queue's requests
	old     uint64       // requests before this one were written by an earlier process
	live    atomic.Int64 // bytes in use in the file, estimated

	kick chan struct{} // an operation became pending that may wait
	soon chan struct{} // one that should not
	stop chan struct{}
	done sync.WaitGroup

	mu         sync.Mutex // guards everything below
	reserve    *reserve
	pending    map[string]*storage.Operation // last operation on a key that is not on disk yet
	dispatched map[string]int64              // cost of the requests that were read and not yet deleted
	kept       map[string]struct{}           // requests that could not be read: their delete is not obeyed
	sizes      map[string]int64              // cost of every key of a client that is no queue, else nil
	cache      cache
	named      os.FileInfo // the file whose name is on disk; with fsync only
	failing    bool
	closed     bool
}

func newClient(inner storage.Client, path string, r *reserve, cfg *Config, logger *zap.Logger, tel *queueTelemetry) *client {
	return &client{
		inner: inner, path: path, cfg: cfg, logger: logger, tel: tel, reserve: r,
		kick: make(chan struct{}, 1), soon: make(chan struct{}, 1), stop: make(chan struct{}),
		pending: map[string]*storage.Operation{}, dispatched: map[string]int64{}, kept: map[string]struct{}{},
		cache: newCache(),
	}
}

func (c *client) name() string { return c.path }

func (c *client) telemetry() *queueTelemetry { return c.tel }

func (c *client) fileSizes() (file, live, limit int64) {
	if info, err := os.Stat(c.path); err == nil {
		file = info.Size()
	}
	return file, c.live.Load(), c.cfg.softLimit()
}

func (c *client) start() { c.done.Go(c.flushLoop) }

// Get implements storage.Client.
func (c *client) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := c.Batch(ctx, op)
	return op.Value, err
}

// Set implements storage.Client.
func (c *client) Set(ctx context.Context, key string, value []byte) error {
	return c.Batch(ctx, storage.SetOperation(key, value))
}

// Delete implements storage.Client.
func (c *client) Delete(ctx context.Context, key string) error {
	return c.Batch(ctx, storage.DeleteOperation(key))
}

// Batch implements storage.Client.
func (c *client) Batch(ctx context.Context, ops ...*storage.Operation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	if slices.ContainsFunc(ops, isPut) {
		return c.put(ctx, ops)
	}
	return c.mark(ctx, ops)
}

// Close implements storage.Client. What is pending is committed first; if that
// fails, requests that were delivered are sent once more after the next start.
func (c *client) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	err := c.flush(ctx)
	c.mu.Unlock()
	close(c.stop)
	c.done.Wait()
	if c.onClose != nil {
		c.onClose()
	}
	return errors.Join(err, c.inner.Close(ctx))
}

func isPut(op *storage.Operation) bool { return op.Type == storage.Set && op.Key != queue.MetadataKey }

// put commits ops and all that is pending, or refuses them.
func (c *client) put(ctx context.Context, ops []*storage.Operation) error {
	var size int64
	for _, op := range ops {
		if isPut(op) {
			size += cost(op.Key, len(op.Value))
		}
	}
	if live := c.live.Load(); live+size > c.cfg.softLimit() {
		c.tel.refuse(c.tel.maxBytes)
		return fmt.Errorf("queue file %s is at its limit with %d live bytes: %w", c.path, live, storage.ErrStorageFull)
	}
	if !c.reserve.fill() && !c.fitsInFile(size) {
		c.tel.refuse(c.tel.diskFull)
		return fmt.Errorf("disk of queue file %s is full: %w", c.path, storage.ErrStorageFull)
	}
	err := c.inner.Batch(ctx, append(c.pendingOps(), ops...)...)
	switch {
	case err == nil:
	case isFull(err):
		// From here on reads and deletes may need the reserve, and puts wait
		// until it is whole again: a failed write makes bbolt scan its file.
		c.reserve.release()
		c.tel.refuse(c.tel.diskFull)
		return fmt.Errorf("write to queue file %s: %w", c.path, err)
	default:
		c.tel.refuse(c.tel.refusedError)
		return fmt.Errorf("write to queue file %s: %w", c.path, err)
	}
	clear(c.pending)
	for _, op := range ops {
		switch {
		case c.sizes != nil:
			c.resize(op)
		case isPut(op):
			c.live.Add(cost(op.Key, len(op.Value)))
			c.cache.written(op.Key, op.Value)
		}
	}
	if err := c.syncName(); err != nil {
		c.tel.refuse(c.tel.refusedError)
		return err
	}
	return nil
}

// syncName makes sure that the file can be found after a power cut. A commit
// syncs the file and not its name, and a compaction gives the name to another
// file: until its directory is synced the name may fall back to the old one.
//
// Two compactions have a put between them, since the first leaves the file too
// small for the second; so a file is not mistaken for one that had its inode.
func (c *client) syncName() error {
	if !c.cfg.FSync {
		return nil
	}
	info, err := os.Stat(c.path)
	if err == nil && c.named != nil && os.SameFile(c.named, info) {
		return nil
	}
	if err == nil {
		err = syncdir.Sync(filepath.Dir(c.path))
	}
	if err != nil {
		return fmt.Errorf("sync the name of queue file %s: %w", c.path, err)
	}
	c.named = info
	return nil
}

// resize counts what an operation does to the live bytes of a client that is no
// queue. A queue writes each key once and reads it before it deletes it; others
// overwrite and delete as they like, so each key's cost is remembered.
func (c *client) resize(op *storage.Operation) {
	var size int64
	switch op.Type {
	case storage.Set:
		size = cost(op.Key, len(op.Value))
	case storage.Get:
		return
	}
	c.live.Add(size - c.sizes[op.Key])
	if c.sizes[op.Key] = size; size == 0 {
		delete(c.sizes, op.Key)
	}
}

// fitsInFile says whether the file has so many free pages that a put needs none
// of the disk. A file does not shrink when its queue is drained, so a disk that
// the queue filled stays full, and the queue must be able to live in it.
func (c *client) fitsInFile(size int64) bool {
	info, err := os.Stat(c.path)
	return err == nil && allocated(info)-c.live.Load() >= c.cfg.ReserveBytes+4*size
}

// mark does a batch of reads, deletes and metadata.
func (c *client) mark(ctx context.Context, ops []*storage.Operation) error {
	var errs []error
	queue, wake := false, c.kick
	for _, op := range ops {
		switch op.Type {
		case storage.Set:
			queue = true
			c.pending[op.Key] = op
		case storage.Delete:
			if !c.cfg.FSync {
				wake = c.soon
			}
			if _, keep := c.kept[op.Key]; keep {
				continue
			}
			if len(c.pending) >= maxPending {
				errs = append(errs, errPending)
				continue
			}
			if c.sizes != nil {
				c.resize(op)
			} else {
				c.live.Add(-c.dispatched[op.Key])
				delete(c.dispatched, op.Key)
				c.cache.drop(op.Key)
			}
			c.pending[op.Key] = op
		case storage.Get:
			if err := c.read(ctx, op); err != nil {
				errs = append(errs, err)
			} else if op.Value == nil && queue {
				// exporterhelper reads no value as an empty request and would
				// post it; an error makes it go on to the next.
				c.tel.add(c.tel.missing, 1)
				errs = append(errs, errMissing)
			}
		}
	}
	if len(c.pending) > 0 {
		if !queue || c.cfg.CommitInterval == 0 {
			// Not a queue's bookkeeping: its owner expects it on disk.
			return errors.Join(append(errs, c.flush(ctx))...)
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return errors.Join(errs...)
}

func (c *client) pendingOps() []*storage.Operation {
	return slices.Collect(maps.Values(c.pending))
}

// flush commits what is pending.
func (c *client) flush(ctx context.Context) error {
	if len(c.pending) == 0 {
		return nil
	}
	if err := c.commit(ctx, c.pendingOps()); err != nil {
		c.tel.add(c.tel.failed, 1)
		if !c.failing {
			c.logger.Error("deletes are not taken by the disk, trying again", zap.Error(err), zap.Int("pending", len(c.pending)))
		}
		c.failing = true
		return err
	}
	c.failing = false
	clear(c.pending)
	return nil
}

// commit writes ops, with the space of the reserve if the disk has none.
func (c *client) commit(ctx context.Context, ops []*storage.Operation) error {
	err := c.inner.Batch(ctx, ops...)
	if isFull(err) {
		c.reserve.release()
		err = c.inner.Batch(ctx, ops...)
	}
	return err
}

// flushLoop commits what has been pending for the commit interval, and deletes
// at once. Those that come while it commits share the next commit.
func (c *client) flushLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-c.soon:
		case <-c.kick:
			timer.Reset(c.cfg.CommitInterval)
			select {
			case <-c.stop:
				return
			case <-c.soon:
			case <-timer.C:
			}
		}
		for wait := 10 * time.Millisecond; c.flushNow() != nil; wait = min(2*wait, time.Second) {
			timer.Reset(wait)
			select {
			case <-c.stop:
				return
			case <-timer.C:
			}
		}
	}
}

func (c *client) flushNow() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	return c.flush(context.Background())
}

const (
	pageSize = 4096
	// elementSize is what bbolt adds to each key and value.
	elementSize = 16
)

// cost estimates the bytes that a value takes in a file. A small one shares a
// page that bbolt leaves half empty when it splits; a large one may have pages
// of its own.
func cost(key string, value int) int64 {
	size := int64(len(key) + value + elementSize)
	if size < pageSize/4 {
		return 2 * size
	}
	return (size+elementSize+pageSize-1)/pageSize*pageSize + size/16
}
