package durablestorage

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

const (
	// A request stays in memory between its write and its first read if the
	// queue keeps up: at most this many bytes, this far from the read position.
	maxCached    = 4 * mib
	maxCachedGap = 256
	// While a queue drains, one disk read brings up to this much.
	readAheadBytes = mib
	maxReadAhead   = 16
)

// cache holds requests that are on disk and will be read next. Without it each
// read is a commit of its own, since file_storage reads in write transactions.
type cache struct {
	values    map[string][]byte
	bytes     int
	next      uint64 // the request that will be read next
	readAhead uint64 // requests per disk read; follows their size
}

func newCache() cache { return cache{values: map[string][]byte{}, readAhead: 1} }

func (c *cache) written(key string, value []byte) {
	index, ok := queue.RequestIndex(key)
	if ok && index-c.next < maxCachedGap && c.bytes+len(value) <= maxCached {
		c.add(key, value)
	}
}

func (c *cache) add(key string, value []byte) {
	if _, ok := c.values[key]; !ok {
		c.values[key] = value
		c.bytes += len(value)
	}
}

func (c *cache) drop(key string) {
	c.bytes -= len(c.values[key])
	delete(c.values, key)
}

// read fills op.Value, or leaves nil if there is none. An error means that the
// disk could not be read; the request is then kept, whatever the queue says.
func (c *client) read(ctx context.Context, op *storage.Operation) error {
	if p, ok := c.pending[op.Key]; ok {
		op.Value = p.Value // nil for a delete
		return nil
	}
	index, isRequest := queue.RequestIndex(op.Key)
	isRequest = isRequest && c.sizes == nil
	value, ok := c.cache.values[op.Key]
	if ok {
		c.cache.drop(op.Key)
	} else {
		var err error
		if value, err = c.readDisk(ctx, op.Key, index, isRequest); err != nil {
			return err
		}
	}
	op.Value = value
	if isRequest {
		c.cache.next = index + 1
		if value != nil {
			c.dispatched[op.Key] = cost(op.Key, len(value))
		}
		if value != nil && index < c.old {
			c.check(op.Key, value)
		}
	}
	return nil
}

// check counts a request that was damaged on the disk where the structure of the
// file does not show it. exporterhelper drops what it can't decode in silence.
func (c *client) check(key string, value []byte) {
	if _, err := queue.CountItems(c.signal, value); err != nil {
		c.tel.add(c.tel.corrupt, 1)
		c.logger.Error("a request is damaged and can't be sent", zap.String("key", key), zap.Int("bytes", len(value)), zap.Error(err))
	}
}

func (c *client) readDisk(ctx context.Context, key string, index uint64, isRequest bool) ([]byte, error) {
	ops := []*storage.Operation{storage.GetOperation(key)}
	for i := uint64(1); isRequest && i < c.cache.readAhead; i++ {
		ahead := queue.RequestKey(index + i)
		if _, ok := c.pending[ahead]; !ok {
			ops = append(ops, storage.GetOperation(ahead))
		}
	}
	var err error
	for try := range 3 {
		if try > 0 {
			time.Sleep(10 * time.Millisecond) // the queue waits: short, or its senders do too
		}
		if err = c.inner.Batch(ctx, ops...); err == nil {
			break
		}
		if isFull(err) {
			c.reserve.release()
		}
	}
	if err != nil {
		if isRequest {
			if _, known := c.kept[key]; !known {
				c.kept[key] = struct{}{}
				c.tel.add(c.tel.unreadable, 1)
				c.logger.Error("a request can't be read, keeping it for the next start", zap.String("key", key), zap.Error(err))
			}
		}
		return nil, fmt.Errorf("read %s from queue file %s: %w", key, c.path, err)
	}
	size := 0
	for _, op := range ops {
		size += len(op.Value)
	}
	if size > readAheadBytes {
		c.cache.readAhead = max(1, c.cache.readAhead/2)
	} else {
		c.cache.readAhead = min(maxReadAhead, 2*c.cache.readAhead)
	}
	for _, op := range ops[1:] {
		if op.Value != nil {
			c.cache.add(op.Key, op.Value)
		}
	}
	return ops[0].Value, nil
}
