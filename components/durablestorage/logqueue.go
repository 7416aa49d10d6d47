package durablestorage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/log"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// logQueue is the storage of one queue on a log.
//
// A batch that brings a request is written before it returns, or refused. Which
// requests there are is what the log has: exporterhelper's metadata is made of that
// when the queue is opened and never written.
type logQueue struct {
	path    string
	cfg     *Config
	logger  *zap.Logger
	tel     *queueTelemetry
	onClose func()

	mu       sync.Mutex // guards everything below
	log      *log.Log
	metadata []byte
	recent   recent
	kept     map[uint64]struct{} // requests that could not be read: their delete is not obeyed
	flush    *time.Timer         // writes deletes that wait
	failing  bool
	closed   bool
}

func newLogQueue(l *log.Log, path, signal string, cfg *Config, logger *zap.Logger, tel *queueTelemetry) *logQueue {
	q := &logQueue{path: path, cfg: cfg, logger: logger, tel: tel, log: l, kept: map[uint64]struct{}{}, recent: recent{values: map[uint64][]byte{}}}
	q.flush = time.AfterFunc(time.Hour, q.flushLater)
	q.flush.Stop()
	q.metadata = q.recover(signal)
	return q
}

// recover makes the queue's metadata of the requests in the log: all of them wait,
// also those that were in flight when the process ended.
func (q *logQueue) recover(signal string) []byte {
	q.closeGap()
	waiting := q.log.Indexes()
	if len(waiting) == 0 && q.log.Next() == 0 {
		return nil // a new queue
	}
	m := queue.Metadata{Read: q.log.Next(), Write: q.log.Next()}
	if len(waiting) > 0 {
		m.Read = waiting[0]
	}
	for _, i := range waiting {
		value, err := q.log.Read(i)
		if err != nil {
			continue // said when the queue asks for it
		}
		m.BytesSize += int64(len(value))
		m.ItemsSize += requestItems(signal, value)
	}
	if len(waiting) > 0 {
		q.logger.Info("requests of an earlier process wait in the queue", zap.Int("requests", len(waiting)), zap.Int64("bytes", m.BytesSize))
		q.tel.add(q.tel.recovered, int64(len(waiting)))
	}
	return m.Encode()
}

// closeGap moves requests to the end of the queue that were tried for so long that
// the rest went by: exporterhelper steps over each empty place between. What is before
// the last wide gap is moved, so that none is left.
func (q *logQueue) closeGap() {
	waiting := q.log.Indexes()
	at := 0
	for i := 1; i < len(waiting); i++ {
		if waiting[i]-waiting[i-1] > maxGap {
			at = i
		}
	}
	if n := len(waiting); n > 0 && q.log.Next()-waiting[n-1] > maxGap {
		at = n
	}
	for _, i := range waiting[:at] {
		value, err := q.log.Read(i)
		if err != nil {
			continue // said when the queue asks for it
		}
		if err := q.log.Append(log.Item{Index: q.log.Next(), Value: value}); err != nil {
			return // a longer way, no loss
		}
		q.log.Done(i)
	}
}

// requestItems counts a request's items; 1 where that can't be told.
func requestItems(signal string, value []byte) int64 {
	s, ok := map[string]*otlpwire.Signal{"traces": otlpwire.Traces, "logs": otlpwire.Logs, "metrics": otlpwire.Metrics}[signal]
	if !ok {
		return 1
	}
	data, _, ok := otlpwire.OpenEnvelope(value)
	if !ok {
		data = value
	}
	n, err := s.Count(data)
	if err != nil {
		return 1
	}
	return int64(n)
}

// Get implements storage.Client.
func (q *logQueue) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := q.Batch(ctx, op)
	return op.Value, err
}

// Set implements storage.Client.
func (q *logQueue) Set(ctx context.Context, key string, value []byte) error {
	return q.Batch(ctx, storage.SetOperation(key, value))
}

// Delete implements storage.Client.
func (q *logQueue) Delete(ctx context.Context, key string) error {
	return q.Batch(ctx, storage.DeleteOperation(key))
}

// Batch implements storage.Client.
func (q *logQueue) Batch(_ context.Context, ops ...*storage.Operation) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	var errs []error
	var items []log.Item
	ofQueue := false // exporterhelper's own batches bring its metadata
	for _, op := range ops {
		index, isRequest := queue.RequestIndex(op.Key)
		switch {
		case op.Type == storage.Get:
			errs = append(errs, q.get(op, index, isRequest, ofQueue))
		case op.Key == queue.MetadataKey:
			ofQueue = true
			q.metadata = op.Value // nil for a delete
		case !isRequest:
			errs = append(errs, q.setKey(op))
		case op.Type == storage.Delete:
			errs = append(errs, q.remove(index))
		default:
			items = append(items, log.Item{Index: index, Value: op.Value})
		}
	}
	if len(items) > 0 {
		errs = append(errs, q.put(items))
	} else if q.log.Pending() > 0 {
		errs = append(errs, q.written(ofQueue))
	}
	return errors.Join(errs...)
}

// put writes requests, with all deletes that wait, or refuses them.
func (q *logQueue) put(items []log.Item) error {
	var size int64
	for _, item := range items {
		size += int64(len(item.Value))
	}
	if used := q.log.Size(); used+size > q.cfg.logLimit() {
		q.tel.refuse(q.tel.maxBytes)
		return fmt.Errorf("queue %s is at its limit with %d bytes: %w", q.path, used, storage.ErrStorageFull)
	}
	err := q.log.Append(items...)
	switch {
	case err == nil:
	case errors.Is(err, log.ErrNoSpace) || isFull(err):
		q.tel.refuse(q.tel.diskFull)
		return fmt.Errorf("disk of queue %s is full: %w", q.path, errors.Join(err, storage.ErrStorageFull))
	default:
		q.tel.refuse(q.tel.refusedError)
		return fmt.Errorf("write to queue %s: %w", q.path, err)
	}
	for _, item := range items {
		q.recent.add(item.Index, item.Value)
	}
	return nil
}

func (q *logQueue) get(op *storage.Operation, index uint64, isRequest, ofQueue bool) error {
	switch {
	case op.Key == queue.MetadataKey:
		op.Value = q.metadata
		return nil
	case !isRequest:
		op.Value = q.log.Key(op.Key)
		return nil
	}
	if value, ok := q.recent.values[index]; ok {
		op.Value = value
		return nil
	}
	value, err := q.log.Read(index)
	switch {
	case err == nil:
		op.Value = value
	case errors.Is(err, log.ErrUnknown):
		if !ofQueue {
			return nil
		}
		// exporterhelper reads no value as an empty request and would post it; an
		// error makes it go on to the next.
		q.tel.add(q.tel.missing, 1)
		return errMissing
	case errors.Is(err, log.ErrDamaged):
		q.tel.add(q.tel.corrupt, 1)
		q.logger.Error("a request is damaged and can't be sent", zap.String("key", op.Key), zap.Error(err))
		return err
	default:
		if _, known := q.kept[index]; !known {
			q.kept[index] = struct{}{}
			q.tel.add(q.tel.unreadable, 1)
			q.logger.Error("a request can't be read, keeping it for the next start", zap.String("key", op.Key), zap.Error(err))
		}
		return err
	}
	return nil
}

func (q *logQueue) remove(index uint64) error {
	if _, keep := q.kept[index]; keep {
		return nil
	}
	if q.log.Pending() >= maxPending {
		return errPending
	}
	q.recent.drop(index)
	q.log.Done(index)
	return nil
}

func (q *logQueue) setKey(op *storage.Operation) error {
	value := op.Value
	if op.Type == storage.Delete {
		value = nil
	}
	if err := q.log.SetKey(op.Key, value); err != nil {
		return fmt.Errorf("write to queue %s: %w", q.path, err)
	}
	return nil
}

// written writes deletes: at once, or with fsync after the commit interval, unless a
// put comes first. That the disk takes none is no error of the queue's: it is tried
// again, and a kill before that sends what was delivered once more.
func (q *logQueue) written(ofQueue bool) error {
	if ofQueue && q.cfg.FSync && q.cfg.CommitInterval > 0 {
		q.flush.Reset(q.cfg.CommitInterval)
		return nil
	}
	err := q.flushNow()
	if ofQueue {
		return nil
	}
	return err
}

func (q *logQueue) flushNow() error {
	err := q.log.Flush()
	if err != nil {
		q.tel.add(q.tel.failed, 1)
		if !q.failing {
			q.logger.Error("deletes are not taken by the disk, trying again", zap.Error(err), zap.Int("pending", q.log.Pending()))
		}
		q.flush.Reset(flushRetry)
	}
	q.failing = err != nil
	return err
}

// flushRetry is how long deletes wait for a disk that took none.
const flushRetry = 250 * time.Millisecond

func (q *logQueue) flushLater() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		_ = q.flushNow() // counted and tried again there
	}
}

// Close implements storage.Client.
func (q *logQueue) Close(context.Context) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.flush.Stop()
	err := q.log.Close()
	q.mu.Unlock()
	if q.onClose != nil {
		q.onClose()
	}
	if err != nil {
		return fmt.Errorf("close queue %s: %w", q.path, err)
	}
	return nil
}

func (q *logQueue) name() string { return q.path }

func (q *logQueue) fileSizes() (file, live, limit int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.log.Size(), q.log.Live(), q.cfg.logLimit()
}

func (q *logQueue) telemetry() *queueTelemetry { return q.tel }

// recent are requests that were just written: a queue that keeps up reads them next.
type recent struct {
	values map[uint64][]byte
	bytes  int
}

func (r *recent) add(index uint64, value []byte) {
	if _, ok := r.values[index]; !ok && r.bytes+len(value) <= maxCached {
		r.values[index] = value
		r.bytes += len(value)
	}
}

func (r *recent) drop(index uint64) {
	if value, ok := r.values[index]; ok {
		r.bytes -= len(value)
		delete(r.values, index)
	}
}
