package crash

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestThroughput prints what the durable queue costs beside file_storage: items
// a second from the client to the backend, as fast as they go, in one run. The
// ratio is not asserted, since other processes on the machine are in it.
func TestThroughput(t *testing.T) {
	length := min(soak(3*time.Second), time.Minute)
	rate := map[string]float64{}
	for _, test := range []struct{ name, overlay string }{
		{"file_storage", stock},
		{"durable_storage", ""},
		{"durable_storage, fsync", `{extensions: {durable_storage: {fsync: true}}}`},
	} {
		r := newRig(t, rigOptions{overlay: test.overlay})
		r.Run()
		clients := append(r.clients(1_000_000, 100), r.clients(1_000_000, 100)...)
		start := time.Now()
		fleet := StartFleet(t.Context(), clients...)
		r.eventually("the time is over", length+time.Minute, func() bool { return time.Since(start) > length })
		fleet.Stop(10 * time.Second)
		acked := time.Since(start)
		r.drained(time.Minute)
		total := r.ledger.Total()
		rate[test.name] = float64(total.Acked) / time.Since(start).Seconds()
		t.Logf("%-24s %7.0f items/s acknowledged, %7.0f items/s end to end, ack p50 %s p99 %s", test.name,
			float64(total.Acked)/acked.Seconds(), rate[test.name], fleet.Latency(50).Round(time.Microsecond), fleet.Latency(99).Round(time.Microsecond))
		require.Zero(t, total.Lost, test.name)
		_, err := r.Terminate(exitWithin)
		require.NoError(t, err)
	}
	t.Logf("durable_storage is %.2f of file_storage (promised: 0.7)", rate["durable_storage"]/rate["file_storage"])
}
