package crash

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// T2: the moments at which a kill can hurt.

// many puts more than a hundred requests in flight, each synced.
const many = `
extensions: {durable_storage: {fsync: true}}
exporters: {otlp_http: {sending_queue: {num_consumers: 100, batch: {min_size: 0, max_size: 0, flush_timeout: 10ms}}}}
`

// fill offers items of about the given size until more than count are
// acknowledged, and stops.
func (r *rig) fill(count, pad int) {
	r.t.Helper()
	clients := r.clients(1_000_000, pad)
	fleet := StartFleet(r.t.Context(), clients...)
	r.eventually("the queue fills", 2*time.Minute, func() bool { return r.ledger.Total().Acked >= count })
	fleet.Stop(10 * time.Second)
}

func TestKilledDuringStartWithManyInFlight(t *testing.T) {
	r := newRig(t, rigOptions{overlay: many})
	r.backend.Be(Hang)
	r.Run()
	r.fill(15_000, 50)
	r.Kill()
	step := 25 * time.Millisecond
	if os.Getenv("CRASH_SOAK") != "" {
		step = 5 * time.Millisecond
	}
	starts := 0
	for after := time.Duration(0); after <= 500*time.Millisecond; after += step {
		starts++
		r.Launch()
		time.Sleep(after) // the moment is the test
		r.Kill()
	}
	r.Run()
	require.Positive(t, r.metric("otelcol_extension_durable_storage_recovered_requests"))
	r.backend.Be(OK)
	r.drained(time.Minute)
	r.verdict(fmt.Sprintf("killed at 0..500 ms of %d starts, fsync", starts))
}

func TestKilledWhileItDrainsCompactsAndStops(t *testing.T) {
	r := newRig(t, rigOptions{overlay: `
extensions:
  durable_storage:
    compaction: {on_start: true, on_rebound: true, check_interval: 20ms, rebound_needed_threshold_mib: 2, rebound_trigger_threshold_mib: 1}
`})
	r.backend.Be("503")
	r.Run()
	fleet := StartFleet(t.Context(), r.clients(5000, 200)...)
	r.eventually("a backlog", time.Minute, func() bool { return r.ledger.Total().Acked > 20_000 })
	for i := range 8 {
		r.backend.Be(Slow)
		before := r.backend.Items()
		r.eventually("it drains", 20*time.Second, func() bool { return r.backend.Items() > before })
		if i%2 == 1 { // SIGTERM, and no patience
			require.NoError(t, syscall.Kill(r.Pid(), syscall.SIGTERM))
			time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		}
		r.Kill()
		r.Run()
	}
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	r.verdict("killed while draining, compacting, stopping")
}

// T8: the receivers of one signal must not serve before the exporters of
// another are there. In v0.155 one start in four panicked under load.
func TestStartsUnderLoad(t *testing.T) {
	const starts = 25
	r := newRig(t, rigOptions{})
	fleet := StartFleet(t.Context(), r.clients(5000, 50)...)
	for range starts {
		r.Run() // fails the test if the process ends
		before := r.ledger.Total().Acked
		r.eventually("it takes requests", 10*time.Second, func() bool { return r.ledger.Total().Acked > before })
		r.Kill()
	}
	r.Run()
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	require.NotContains(t, r.Log(), "panic")
	r.verdict(fmt.Sprintf("%d starts under load", starts))
}
