package parking

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
	// How long a shutdown goes on trying a consumer that refuses for now.
	shutdownPatience = 5 * time.Second
)

// Start begins to hand items on.
func (q *Queue) Start() {
	var ctx context.Context
	ctx, q.cancel = context.WithCancel(context.Background())
	go q.run(ctx)
}

// run hands items on until Close has been called and all are gone, or ctx ends.
func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	timer := time.NewTimer(q.cfg.Wait)
	defer timer.Stop()
	backoff := minBackoff
	for {
		batch, next, closing := q.take()
		switch {
		case len(batch) > 0:
			err := q.cfg.Send(ctx, batch)
			switch {
			case err == nil:
				q.cfg.Released(ctx, batch)
				q.settle(batch)
				backoff = minBackoff
				continue
			case consumererror.IsPermanent(err):
				q.cfg.Refused(ctx, batch, err)
				q.settle(batch)
				continue
			}
			q.back(batch)
			next, backoff = backoff, min(2*backoff, maxBackoff)
			if closing {
				next = minBackoff
			}
		case closing:
			return
		}
		timer.Reset(q.flush(ctx, next))
		if !q.sleep(ctx, timer, len(batch) > 0, closing) {
			return
		}
	}
}

// take returns what is to leave now, a limited number of records in order of
// arrival, and how long until the next deadline.
func (q *Queue) take() (batch []*Item, next time.Duration, closing bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.cfg.Now()
	next = q.cfg.Wait
	for it := q.waiting.oldest(); it != nil; it = q.waiting.oldest() {
		if it.due > now && !q.closing {
			next = time.Duration(it.due - now)
			break
		}
		why := Deadline
		if q.closing {
			why = Shutdown
		}
		q.leave(why, q.waiting.takeOldest())
	}
	slices.SortFunc(q.ready, func(a, b *Item) int {
		return cmp.Or(cmp.Compare(a.refusals, b.refusals), cmp.Compare(a.Seq, b.Seq))
	})
	n, records := 0, 0
	for n < len(q.ready) && (n == 0 || records < q.most) && goesWith(q.ready[0], q.ready[n]) {
		records += q.ready[n].Records
		n++
	}
	batch = slices.Clone(q.ready[:n])
	q.ready = slices.Delete(q.ready, 0, n)
	return batch, next, q.closing
}

// goesWith reports whether two items may leave in one call.
func goesWith(first, it *Item) bool {
	return first == it || first.mixes() && it.mixes() || first.Call == it.Call
}

// back puts a refused batch back to be tried again in smaller parts. What is
// refused alone comes after all others: one item that nobody takes must not keep
// the rest.
func (q *Queue) back(batch []*Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.most = max(1, q.most/2)
	if len(batch) == 1 {
		batch[0].refusals++
	} else {
		q.most = min(q.most, max(1, int(Count(batch)/2)))
	}
	q.ready = append(q.ready, batch...)
}

// settle takes a batch off the account for good.
func (q *Queue) settle(batch []*Item) {
	q.mu.Lock()
	q.most = maxRelease
	for _, it := range batch {
		q.bytes -= it.Size()
		q.records -= int64(it.Records)
	}
	q.mu.Unlock()
	q.count.Add(-int64(len(batch)))
	q.remove(batch)
}

// sleep waits for the timer or, unless a consumer needs time to recover, for
// something to do. The beginning of a shutdown always wakes. It reports whether
// to go on.
func (q *Queue) sleep(ctx context.Context, timer *time.Timer, recovering, closing bool) bool {
	wake, stopping := q.wake, q.stopping
	if recovering {
		wake = nil
	}
	if closing {
		stopping = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-stopping:
	case <-wake:
		timer.Reset(min(q.cfg.Gather, q.cfg.Wait/10))
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		case <-stopping:
		}
	}
	return true
}

// Close lets everything go and waits until it has, within the patience of ctx
// and its own, then closes the journal. It returns the items that nobody took.
// It may follow a start that failed half-way.
func (q *Queue) Close(ctx context.Context) (rest []*Item, err error) {
	if q.cancel != nil {
		q.drain(ctx)
		q.mu.Lock()
		rest = q.all()
		q.mu.Unlock()
	}
	if q.journal != nil {
		err = q.journal.Close(ctx)
		q.journal = nil
	}
	return rest, err
}

func (q *Queue) drain(ctx context.Context) {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	close(q.stopping)
	patience := time.NewTimer(shutdownPatience)
	defer patience.Stop()
	select {
	case <-q.done:
	case <-ctx.Done():
	case <-patience.C:
	}
	q.cancel()
	q.cancel = nil
	<-q.done
}
