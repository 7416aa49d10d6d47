package fluentreceiver

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/pieces"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/server"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// flushEvery is how often it is looked for lines that are too old.
const flushEvery = 250 * time.Millisecond

// held are the pieces of lines that have been acknowledged.
type held struct {
	joiner  *pieces.Joiner
	journal *journal.Journal
	stop    chan struct{}
	running sync.WaitGroup
}

// openPieces opens the storage and takes back what an earlier process held. Without storage nothing is joined: what is acknowledged
// would be lost with the process.
func (r *fluentReceiver) openPieces(ctx context.Context, host component.Host) error {
	lines := r.cfg.Partials == partialsJoin
	if r.cfg.Storage == nil || !lines && len(r.cfg.Multiline) == 0 {
		return nil
	}
	j, err := journal.Open(ctx, host, journal.Config{Storage: *r.cfg.Storage, Kind: component.KindReceiver, Owner: r.set.ID, Name: "pieces"})
	if err != nil {
		return err
	}
	h := &held{journal: j, stop: make(chan struct{})}
	h.joiner = pieces.New(pieces.Options{Lines: lines, Languages: r.cfg.Multiline}, j)
	now := time.Now()
	err = j.Load(ctx, func(n uint64, value []byte) {
		if err := h.joiner.Load(n, value, now); err != nil {
			r.set.Logger.Warn("left out a piece of a line that can't be read from the storage", zap.Error(err))
		}
	})
	if err != nil {
		return err
	}
	r.pieces = h
	return nil
}

// run emits lines that are too old, until it is stopped.
func (h *held) run(flush func(now time.Time)) {
	h.running.Go(func() {
		ticker := time.NewTicker(flushEvery)
		defer ticker.Stop()
		for {
			select {
			case <-h.stop:
				return
			case now := <-ticker.C:
				flush(now)
			}
		}
	})
}

// join takes the pieces out of logs and stores them. tx is nil if nothing is to be joined.
func (r *fluentReceiver) join(ctx context.Context, result decode.Result, logs plog.Logs) (tx *pieces.Tx, err error) {
	if r.pieces == nil || !result.Pieces && !r.pieces.joiner.Busy() {
		return nil, nil
	}
	tx = r.pieces.joiner.Take(logs, time.Now())
	if err := tx.Hold(ctx); err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

// settle ends tx as the pipeline answered.
func (r *fluentReceiver) settle(tx *pieces.Tx, err error) {
	switch {
	case tx == nil:
	case err != nil:
		tx.Rollback()
	default:
		tx.Commit()
		for o, n := range tx.Count {
			r.telemetry.joined(pieces.Outcomes[o], n)
		}
	}
}

// flush emits the lines whose time is over, or all. What the pipeline refuses for now is emitted later.
func (r *fluentReceiver) flush(ctx context.Context, now time.Time, all bool) {
	logs, tx := r.pieces.joiner.Expired(now, all)
	if n := logs.LogRecordCount(); n > 0 {
		err := r.next.ConsumeLogs(ctx, logs)
		if consumererror.IsPermanent(err) {
			r.telemetry.dropped(0, n, server.Permanent)
			r.warn(nil, string(server.Permanent), "dropped lines that came in pieces", zap.Int("records", n), zap.Error(err))
			err = nil
		}
		r.settle(tx, err)
	}
	if r.pieces.journal.Pending() {
		if err := r.pieces.journal.Sync(ctx); err != nil {
			r.warn(nil, "storage", "can't write pieces of lines to the storage", zap.Error(err))
		}
	}
}

// closePieces hands on what is held. What the pipeline does not take stays in the storage.
func (r *fluentReceiver) closePieces(ctx context.Context) error {
	if r.pieces == nil {
		return nil
	}
	close(r.pieces.stop)
	r.pieces.running.Wait()
	r.flush(ctx, time.Now(), true)
	return r.pieces.journal.Close(ctx)
}
