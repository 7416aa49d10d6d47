package durablestorage

import (
	"context"
	"encoding/binary"
	"fmt"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// maxGap is the number of empty places that recovery leaves in the queue
// rather than copy requests. exporterhelper steps over each in microseconds.
const maxGap = 100_000

// recover puts back every request that is in the file but not waiting in the
// queue: in flight when the process ended, kept after a read error, or left
// behind by metadata that can't be read.
//
// exporterhelper would delete all of them in one transaction and write them
// again one by one, and a crash or a full disk in between loses the rest. Here
// the read index moves back over them in one small commit, and the requests
// themselves are not touched.
func (c *client) recover(ctx context.Context) error {
	if c.sizes != nil {
		found, err := c.count(ctx, nil)
		c.live.Store(found.live)
		return err
	}
	meta, legacy, err := c.loadMetadata(ctx)
	if err != nil {
		return err
	}
	found, err := c.count(ctx, meta)
	if err != nil {
		return err
	}
	c.live.Store(found.live)
	if meta == nil && found.requests == 0 {
		return nil // new, or not a queue
	}

	next := queue.Metadata{Read: found.low, Write: found.low}
	if meta != nil {
		next = *meta
	}
	next.Dispatched = nil
	next.BytesSize = found.bytes
	back := int64(len(found.behind))
	var moves []*storage.Operation
	switch {
	case found.requests == 0:
		next.Read, next.ItemsSize = next.Write, 0
	case meta == nil:
		back = found.requests
		next.Write = found.high + 1
	case back == 0:
		next.Write = max(next.Write, found.high+1)
	case next.Read-found.low <= maxGap:
		next.Read = found.low
		next.Write = max(next.Write, found.high+1)
	default:
		// One request was tried for so long that the rest of the queue went by:
		// the way back is too far, so copy what is behind to the tail.
		next.Write = max(next.Write, found.high+1)
		if moves, err = c.moveToTail(ctx, found.behind, &next); err != nil {
			return err
		}
	}
	c.old = next.Write
	if back > 0 {
		c.logger.Info("put back requests that were in flight", zap.Int64("requests", back))
		c.tel.add(c.tel.recovered, back)
	}
	return c.commit(ctx, append(append(moves, legacy...), storage.SetOperation(queue.MetadataKey, next.Encode())))
}

// loadMetadata returns nil if the queue has none, or none that can be read,
// and the operations that remove the legacy keys it was read from.
func (c *client) loadMetadata(ctx context.Context) (*queue.Metadata, []*storage.Operation, error) {
	current, read := storage.GetOperation(queue.MetadataKey), storage.GetOperation(queue.LegacyReadKey)
	write, dispatched := storage.GetOperation(queue.LegacyWriteKey), storage.GetOperation(queue.LegacyDispatchedKey)
	if err := c.inner.Batch(ctx, current, read, write, dispatched); err != nil {
		return nil, nil, fmt.Errorf("read queue metadata: %w", err)
	}
	if len(current.Value) > 0 {
		m, err := queue.ParseMetadata(current.Value)
		if err == nil {
			return &m, nil, nil
		}
		c.logger.Error("the queue's metadata is damaged, rebuilding it from its requests", zap.Error(err))
		return nil, nil, nil
	}
	if len(read.Value) != 8 || len(write.Value) != 8 {
		return nil, nil, nil
	}
	// Which requests were dispatched shows in their being behind the read index.
	m := queue.Metadata{Read: binary.LittleEndian.Uint64(read.Value), Write: binary.LittleEndian.Uint64(write.Value)}
	if m.Read > m.Write {
		return nil, nil, nil
	}
	return &m, []*storage.Operation{storage.DeleteOperation(queue.LegacyReadKey),
		storage.DeleteOperation(queue.LegacyWriteKey), storage.DeleteOperation(queue.LegacyDispatchedKey)}, nil
}

// census is what a walk over a queue's file found.
type census struct {
	requests    int64
	bytes, live int64
	low, high   uint64   // smallest and largest request number
	behind      []uint64 // requests before meta's read index
}

func (c *client) count(ctx context.Context, meta *queue.Metadata) (census, error) {
	var found census
	walker, ok := c.inner.(storage.Walker)
	if !ok {
		return found, fmt.Errorf("file_storage client %T can't be walked", c.inner)
	}
	err := walker.Walk(ctx, func(key string, value []byte) ([]*storage.Operation, error) {
		found.live += cost(key, len(value))
		if c.sizes != nil {
			c.sizes[key] = cost(key, len(value))
			return nil, nil
		}
		index, ok := queue.RequestIndex(key)
		if !ok {
			return nil, nil
		}
		if found.requests == 0 || index < found.low {
			found.low = index
		}
		found.high = max(found.high, index)
		found.requests++
		found.bytes += int64(len(value))
		if meta != nil && index < meta.Read {
			found.behind = append(found.behind, index)
		}
		return nil, nil
	})
	return found, err
}

func (c *client) moveToTail(ctx context.Context, behind []uint64, next *queue.Metadata) ([]*storage.Operation, error) {
	gets := make([]*storage.Operation, len(behind))
	for i, index := range behind {
		gets[i] = storage.GetOperation(queue.RequestKey(index))
	}
	if err := c.inner.Batch(ctx, gets...); err != nil {
		return nil, fmt.Errorf("read %d requests to move: %w", len(gets), err)
	}
	ops := make([]*storage.Operation, 0, 2*len(gets))
	for _, get := range gets {
		ops = append(ops, storage.SetOperation(queue.RequestKey(next.Write), get.Value), storage.DeleteOperation(get.Key))
		next.Write++
	}
	return ops, nil
}
