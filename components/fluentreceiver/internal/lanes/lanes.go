// Package lanes hands log records to the next consumer in few calls: while a call runs, what arrives waits, and goes into the next one
// together. Without it every record of a sender that waits for an acknowledgement would be a call, and behind the pipeline a write to
// the disk, of its own.
package lanes

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	// A merged call has at most so many records and bytes.
	maxRecords = 2000
	maxBytes   = 1 << 20
	// AloneBytes is from where on records are not merged.
	AloneBytes = 256 << 10
	// waiting bounds what waits inside; who comes then waits outside.
	waiting = 1024
)

// Job is what one sender hands over.
type Job struct {
	Logs  plog.Logs
	Bytes int // on the wire
	// Alone keeps the job from being merged: its error is its own.
	Alone bool
	// Done is called when nothing of the job is in use any more.
	Done func()

	deadline time.Time
	result   chan error
}

// Lanes are several goroutines that hand over.
type Lanes struct {
	next    consumer.Logs
	jobs    chan *Job
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start starts n lanes.
func Start(n int, next consumer.Logs) *Lanes {
	l := &Lanes{next: next, jobs: make(chan *Job, waiting)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Add(n)
	for range n {
		go l.run()
	}
	return l
}

// Stop ends the lanes. Nobody may hand over any more.
func (l *Lanes) Stop() {
	close(l.jobs)
	l.running.Wait()
	l.cancel()
}

// Abort ends the context of calls that are running.
func (l *Lanes) Abort() { l.cancel() }

// Consume hands j over and returns the consumer's error, or ctx's when that ends first: then nobody knows whether j arrives. merged
// reports that the error may be another sender's.
func (l *Lanes) Consume(ctx context.Context, j *Job) (merged bool, err error) {
	if j.Alone || j.Bytes >= AloneBytes {
		defer j.Done()
		return false, l.next.ConsumeLogs(ctx, j.Logs)
	}
	j.result = make(chan error, 1)
	j.deadline, _ = ctx.Deadline()
	select {
	case l.jobs <- j:
	case <-ctx.Done():
		j.Done()
		return true, ctx.Err()
	}
	select {
	case err := <-j.result:
		return true, err
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

func (l *Lanes) run() {
	defer l.running.Done()
	var batch []*Job
	for j := range l.jobs {
		batch = l.gather(append(batch[:0], j))
		err := l.consume(batch)
		for _, j := range batch {
			j.Done()
			j.result <- err
		}
		clear(batch)
	}
}

// gather appends what waits.
func (l *Lanes) gather(batch []*Job) []*Job {
	records, bytes := batch[0].Logs.LogRecordCount(), batch[0].Bytes
	for records < maxRecords && bytes < maxBytes {
		select {
		case j, ok := <-l.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, j)
			records += j.Logs.LogRecordCount()
			bytes += j.Bytes
		default:
			return batch
		}
	}
	return batch
}

func (l *Lanes) consume(batch []*Job) error {
	all, until := batch[0].Logs, batch[0].deadline
	for _, j := range batch[1:] {
		j.Logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
		if j.deadline.After(until) {
			until = j.deadline
		}
	}
	ctx := l.ctx
	if !until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	return l.next.ConsumeLogs(ctx, all)
}
