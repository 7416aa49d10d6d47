package rumlinkprocessor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
)

// take returns what is to leave now, a limited number of records in order of
// arrival, and how long until the next deadline.
func (r *room) take() (batch []*parcel, next time.Duration, closing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	next = r.wait
	for el := r.waiting.Front(); el != nil; el = r.waiting.Front() {
		if due := el.Value.(*parcel).due; due > now && !r.closing {
			next = time.Duration(due - now)
			break
		}
		why := reasonDeadline
		if r.closing {
			why = reasonShutdown
		}
		r.leave(el, why)
	}
	slices.SortFunc(r.ready, func(a, b *parcel) int {
		return cmp.Or(cmp.Compare(a.refusals, b.refusals), cmp.Compare(a.id, b.id))
	})
	n, records := 0, 0
	for n < len(r.ready) && (n == 0 || records < r.most) && r.goesWith(n) {
		records += r.ready[n].Records
		n++
	}
	batch = slices.Clone(r.ready[:n])
	r.ready = slices.Delete(r.ready, 0, n)
	return batch, next, r.closing
}

// goesWith says whether ready parcel n may leave in one call with the first.
func (r *room) goesWith(n int) bool {
	first, p := r.ready[0], r.ready[n]
	return n == 0 || first.mixes() && p.mixes() || first.Call == p.Call
}

// back puts a refused batch back to be tried again in smaller parts. What is
// refused alone comes after all others: one parcel that nobody takes must not
// keep the rest.
func (r *room) back(batch []*parcel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = max(1, r.most/2)
	if len(batch) == 1 {
		batch[0].refusals++
	} else {
		r.most = min(r.most, max(1, int(records(batch)/2)))
	}
	r.ready = append(r.ready, batch...)
}

// settle takes a batch off the account for good.
func (r *room) settle(ctx context.Context, batch []*parcel) {
	ids := make([]uint64, len(batch))
	r.mu.Lock()
	r.most = maxRelease
	for i, p := range batch {
		ids[i] = p.id
		r.bytes -= p.size()
		r.records -= int64(p.Records)
	}
	r.mu.Unlock()
	r.count.Add(-int64(len(batch)))
	if r.journal == nil {
		return
	}
	if err := r.journal.remove(ctx, ids); err != nil {
		r.tel.storageFailed(ctx)
		r.logger.Error("Parked data was handed on and may be handed on again after a restart", zap.Error(err))
	}
}

// run hands parcels on until close has been called and all are gone, or ctx
// ends.
func (r *room) run(ctx context.Context) {
	defer close(r.done)
	timer := time.NewTimer(r.wait)
	defer timer.Stop()
	backoff := minBackoff
	for {
		batch, next, closing := r.take()
		switch {
		case len(batch) > 0:
			err := r.send(ctx, batch)
			switch {
			case err == nil:
				r.tel.released(ctx, batch, r.now())
				r.settle(ctx, batch)
				backoff = minBackoff
				continue
			case consumererror.IsPermanent(err):
				r.tel.dropped(ctx, dropRefused, batch)
				r.logger.Error("The next consumer refused parked data for good", zap.Error(err))
				r.settle(ctx, batch)
				continue
			}
			r.back(batch)
			next, backoff = backoff, min(2*backoff, maxBackoff)
			if closing {
				next = minBackoff
			}
		case closing:
			return
		}
		timer.Reset(next)
		if !r.sleep(ctx, timer, len(batch) > 0, closing) {
			return
		}
	}
}

// sleep waits for the timer or, unless a consumer needs time to recover, for
// something to do. The beginning of a shutdown always wakes. It says whether to
// go on.
func (r *room) sleep(ctx context.Context, timer *time.Timer, recovering, closing bool) bool {
	wake, stopping := r.wake, r.stopping
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
	case <-wake:
	case <-stopping:
	}
	return true
}

// close lets everything go and waits until it has, within the patience of
// ctx and of the room. cancel must end the context of run.
func (r *room) close(ctx context.Context, cancel context.CancelFunc) {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	close(r.stopping)
	patience := time.NewTimer(shutdownPatience)
	defer patience.Stop()
	select {
	case <-r.done:
	case <-ctx.Done():
	case <-patience.C:
	}
	cancel()
	<-r.done
	r.mu.Lock()
	rest := append(r.ready, r.remaining()...)
	r.mu.Unlock()
	if len(rest) == 0 {
		return
	}
	if r.journal != nil {
		r.logger.Warn("Parked data stays in the storage and is handed on after the next start", zap.Int("parcels", len(rest)))
		return
	}
	r.tel.dropped(context.WithoutCancel(ctx), dropShutdown, rest)
	r.logger.Error("Parked data was lost: the next consumer did not take it before the shutdown ended", zap.Int("parcels", len(rest)))
}

func (r *room) remaining() (rest []*parcel) {
	for el := r.waiting.Front(); el != nil; el = el.Next() {
		rest = append(rest, el.Value.(*parcel))
	}
	return rest
}
