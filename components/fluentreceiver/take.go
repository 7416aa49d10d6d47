package fluentreceiver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/lanes"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/server"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	// patience is how long a message is held while others wait for memory.
	patience = 10 * time.Second
	// leastRecordBytes is what a record costs at least: it bounds their number when nothing else does.
	leastRecordBytes = 384
	// messageCost is charged for each byte of a message before it is decoded.
	messageCost = 2
)

var (
	_ server.Handler = (*fluentReceiver)(nil)

	errShutdown = errors.New("the collector is shutting down")
)

// Take decodes messages and hands their records on. It implements server.Handler: nil means that they may be acknowledged.
func (r *fluentReceiver) Take(ctx context.Context, peer net.Addr, messages []server.Message) error {
	acked := len(messages[len(messages)-1].Chunk) > 0
	wait := r.cfg.UnackedWait
	if acked {
		wait = r.cfg.MaxWait
	}
	// The context of the operation is the one that ends only with the collector.
	op := r.obs.StartLogsOp(ctx)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	result, err := r.deliver(ctx, messages, false)
	var refusal *server.Refusal
	errors.As(err, &refusal)
	switch {
	case refusal == nil:
	case refusal.Reason == server.Permanent:
		// It would be sent again and again, and all behind it would wait.
		err = nil
		r.dropped(peer, messages, result.Records, refusal)
	case !acked && refusal.Reason != server.TooLarge:
		// The sender can't be told.
		err = nil
		r.dropped(peer, messages, result.Records, refusal)
	}
	r.obs.EndLogsOp(op, "fluent", result.Records, causeOf(refusal))
	r.telemetry.took(messages, result)
	if what := unreadable(result); what != "" {
		r.warn(peer, "unreadable_"+what, "left out what can't be read of a Fluent message", zap.ByteString("tag", messages[0].Tag), zap.String("what", what))
	}
	return err
}

func causeOf(r *server.Refusal) error {
	if r == nil {
		return nil
	}
	return r
}

func unreadable(result decode.Result) string {
	for i, n := range result.Unreadable {
		if n > 0 {
			return decode.Unreadables[i]
		}
	}
	return ""
}

// deliver hands messages on, again and again until ctx ends. Its error is a *server.Refusal.
func (r *fluentReceiver) deliver(ctx context.Context, messages []server.Message, alone bool) (decode.Result, error) {
	began := time.Now()
	pause := firstPause
	var last error // of the pipeline: that time is over says less
	for {
		result, merged, err := r.attempt(ctx, messages, alone)
		if ctx.Err() != nil && last != nil && err != nil {
			err = last
		}
		last = err
		switch {
		case err == nil:
			return result, nil
		case asRefusal(err) != nil:
			return result, err
		case consumererror.IsPermanent(err) && len(messages) > 1:
			return r.each(ctx, messages)
		case consumererror.IsPermanent(err) && merged:
			// It may be another sender's that can't be taken.
			alone = true
			continue
		case consumererror.IsPermanent(err):
			return result, &server.Refusal{Reason: server.Permanent, Err: err}
		}
		reason := server.Pipeline
		if admission.AsRefusal(err) != nil {
			reason = server.Busy
		}
		if time.Since(began) > patience && (r.pools.Reception.Short() || r.pools.Decoding.Short()) {
			return result, &server.Refusal{Reason: server.Busy, Err: fmt.Errorf("others wait for memory: %w", err)}
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
			pause = min(2*pause, lastPause)
		case <-ctx.Done():
			return result, &server.Refusal{Reason: reason, Err: err}
		case <-r.server.Closing():
			return result, &server.Refusal{Reason: reason, Err: errors.Join(errShutdown, err)}
		}
	}
}

// each hands every message on alone, so that one that can't be taken does not take the others along.
func (r *fluentReceiver) each(ctx context.Context, messages []server.Message) (sum decode.Result, err error) {
	for i := range messages {
		result, e := r.deliver(ctx, messages[i:i+1], true)
		for what, n := range result.Unreadable {
			sum.Unreadable[what] += n
		}
		if refusal := asRefusal(e); refusal == nil {
			sum.Records += result.Records
		} else if refusal.Reason == server.Permanent {
			r.dropped(nil, messages[i:i+1], result.Records, refusal)
		} else {
			return sum, e
		}
	}
	return sum, nil
}

func asRefusal(err error) *server.Refusal {
	var r *server.Refusal
	errors.As(err, &r)
	return r
}

// attempt decodes messages and hands their records on once. merged reports that the error may be another sender's.
func (r *fluentReceiver) attempt(ctx context.Context, messages []server.Message, alone bool) (sum decode.Result, merged bool, err error) {
	bytes := 0
	for i := range messages {
		bytes += messages[i].Bytes
	}
	hold, err := r.pools.Decoding.Reserve(ctx, int64(messageCost*bytes))
	if err != nil {
		return sum, false, tooLarge(err)
	}
	limits := r.limits(func(n int) error { return hold.Grow(ctx, int64(n)) })
	out := plog.NewLogs()
	decoder := r.decoders.Get().(*decode.Decoder)
	now := time.Now()
	for i := range messages {
		result, err := decoder.Decode(&messages[i].Header, now, limits, out)
		sum.Records += result.Records
		sum.Pieces = sum.Pieces || result.Pieces
		for what, n := range result.Unreadable {
			sum.Unreadable[what] += n
		}
		if err != nil {
			r.decoders.Put(decoder)
			hold.Release()
			return sum, false, tooLarge(err)
		}
	}
	r.decoders.Put(decoder)
	tx, err := r.join(ctx, sum, out)
	if err != nil || out.LogRecordCount() == 0 {
		hold.Release()
		return sum, false, err
	}
	merged, err = r.lanes.Consume(ctx, &lanes.Job{Logs: out, Bytes: bytes, Alone: alone, Done: hold.Release})
	r.settle(tx, err)
	return sum, merged, err
}

// limits are those of one message.
func (r *fluentReceiver) limits(charge func(int) error) decode.Limits {
	largest := r.pools.Decoding.Largest()
	l := decode.Limits{Records: r.cfg.MaxRecordsPerMessage, Decompressed: r.cfg.MaxDecompressedBytes, Charge: charge}
	if l.Records == 0 {
		l.Records = int(largest / leastRecordBytes)
	}
	if l.Decompressed == 0 {
		l.Decompressed = largest
	}
	return l
}

// tooLarge makes a refusal of an error that says that a message is, and returns others as they are.
func tooLarge(err error) error {
	var limit *decode.TooLarge
	if r := admission.AsRefusal(err); errors.As(err, &limit) || r != nil && r.Retry == 0 {
		return &server.Refusal{Reason: server.TooLarge, Err: err}
	}
	return err
}

// dropped counts and logs messages that are lost.
func (r *fluentReceiver) dropped(peer net.Addr, messages []server.Message, records int, refusal *server.Refusal) {
	r.telemetry.dropped(len(messages), records, refusal.Reason)
	r.warn(peer, string(refusal.Reason), "dropped a Fluent message", zap.ByteString("tag", messages[0].Tag), zap.Int("records", records), zap.Error(refusal.Err))
}

// Refused implements server.Handler.
func (r *fluentReceiver) Refused(peer net.Addr, refusal *server.Refusal) {
	r.telemetry.refused(refusal.Reason)
	if cause := admission.AsRefusal(refusal.Err); cause != nil {
		r.pools.Report(admission.Event{Listener: r.set.ID.String(), Refusal: cause, Peer: hostOf(peer)})
	}
	r.warn(peer, string(refusal.Reason), "refused a Fluent sender", zap.Error(refusal.Err))
}

// Acked implements server.Handler.
func (r *fluentReceiver) Acked(d time.Duration) { r.telemetry.acked(d) }

// Beat implements server.Handler.
func (r *fluentReceiver) Beat(b server.Beat) { r.telemetry.beat(b) }
