package lanes

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gate is a consumer whose calls wait until they are let through.
type gate struct {
	entered chan int // records of a call
	leave   chan error
}

func newGate() *gate { return &gate{make(chan int, 1000), make(chan error, 1000)} }

func (*gate) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (g *gate) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	g.entered <- ld.LogRecordCount()
	select {
	case err := <-g.leave:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func job(done *atomic.Int64) *Job {
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a")
	return &Job{Logs: ld, Bytes: 100, Done: func() { done.Add(1) }}
}

func TestWhatComesWhileACallRunsGoesTogether(t *testing.T) {
	g := newGate()
	l := Start(1, g)
	var done atomic.Int64
	var senders sync.WaitGroup
	send := func() {
		senders.Go(func() {
			_, err := l.Consume(context.Background(), job(&done))
			require.NoError(t, err)
		})
	}
	send()
	require.Equal(t, 1, <-g.entered)
	for range 200 {
		send()
	}
	require.Eventually(t, func() bool { return len(l.jobs) == 200 }, 10*time.Second, time.Millisecond)
	g.leave <- nil
	require.Equal(t, 200, <-g.entered)
	g.leave <- nil
	senders.Wait()
	l.Stop()
	require.EqualValues(t, 201, done.Load())
}

func TestAnErrorIsEveryonesAndSaysThatItMayBeAnothers(t *testing.T) {
	g := newGate()
	l := Start(1, g)
	defer l.Stop()
	var done atomic.Int64
	refused := errors.New("refused")
	g.leave <- refused
	merged, err := l.Consume(t.Context(), job(&done))
	require.ErrorIs(t, err, refused)
	require.True(t, merged)
	g.leave <- refused
	alone := job(&done)
	alone.Alone = true
	merged, err = l.Consume(t.Context(), alone)
	require.ErrorIs(t, err, refused)
	require.False(t, merged)
	require.EqualValues(t, 2, done.Load())
}

func TestWhoWaitsTooLongGoesAndTheCallEnds(t *testing.T) {
	g := newGate()
	l := Start(1, g)
	var done atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := l.Consume(ctx, job(&done))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	l.Stop()
	require.EqualValues(t, 1, done.Load())
}
