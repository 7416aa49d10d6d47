package datadogrumreceiver

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// Bodies full of distinct actions fill the table of actions, and nothing else:
// what is held is bounded, and the sender comes again.
func TestBodiesFullOfActionsStayWithinTheirTable(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.MaxHeldBytes, cfg.Actions.MaxHeld = 4<<20, 1_000_000 }).start(nil)
	padding := strings.Repeat("x", 2000)
	codes := map[int]int{}
	for body := range 10 {
		var lines []string
		for i := range 500 {
			lines = append(lines, act(fmt.Sprintf("a%d-%d", body, i), "custom", padding, i))
		}
		codes[g.post(joinLines(lines...)).code]++
		require.LessOrEqual(t, g.sizes().ActionBytes, g.cfg.Actions.MaxHeldBytes+2<<20, "one body beyond the bound at most")
	}
	require.Positive(t, codes[http.StatusServiceUnavailable])
	require.Equal(t, 10, codes[http.StatusServiceUnavailable]+codes[http.StatusAccepted])
	g.flush(g.cfg.Actions.Remember)
	require.Zero(t, g.sizes().Actions)
}

// What one sender holds is bounded by its receiver's tables, and what its bodies
// take while they are converted by the process's pools, in order of arrival: the
// next receiver goes on taking what it is sent, some of it at a retry. How many and
// how long is printed, not asserted.
func TestTenLargeBodiesOfDistinctActionsStarveNoOtherReceiver(t *testing.T) {
	pools := admission.Default()
	unlimited := func(cfg *Config) { cfg.RateLimit.PerIP, cfg.RateLimit.PerToken = 0, 0 }
	flooded, other := newRig(t, unlimited).start(nil), newRig(t, unlimited).start(nil)
	size := int(flooded.cfg.MaxRequestBodySize)
	if raceDetector {
		size /= 10
	}
	var flood sync.WaitGroup
	var codes sync.Map
	for body := range 10 {
		flood.Go(func() {
			var b strings.Builder
			for i := 0; b.Len() < size-1000; i++ {
				b.WriteString(act(fmt.Sprintf("a%d-%d", body, i), "custom", "x", i%1000))
				b.WriteByte('\n')
			}
			n, _ := codes.LoadOrStore(flooded.post(b.String()).code, new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
		})
	}
	over := make(chan struct{})
	go func() {
		flood.Wait()
		close(over)
	}()
	sent, retries, slowest := 0, 0, time.Duration(0)
	for running := true; running; sent++ {
		select {
		case <-over:
			running = false
		default:
		}
		began := time.Now()
		body := joinLines(act(fmt.Sprint("o", sent), "click", "Pay", 0), request(sent, fmt.Sprint("o", sent), 10))
		got := other.post(body)
		for ; got.code == http.StatusServiceUnavailable; retries++ {
			got = other.post(body) // as an SDK does
		}
		require.Equal(t, http.StatusAccepted, got.code, got.text)
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("%d requests of the other receiver during the flood, %d retries, the slowest took %s", sent, retries, slowest)
	require.Equal(t, sent, other.clientSpans())
	require.Equal(t, sent, other.sizes().Actions)

	answers := int64(0)
	codes.Range(func(code, n any) bool {
		t.Logf("flood: %d times %d", n.(*atomic.Int64).Load(), code)
		require.Contains(t, []int{http.StatusAccepted, http.StatusServiceUnavailable}, code)
		answers += n.(*atomic.Int64).Load()
		return true
	})
	require.EqualValues(t, 10, answers)
	for _, pool := range []*admission.Pool{pools.Reception, pools.Decoding} {
		u := pool.Usage()
		require.LessOrEqual(t, u.Peak, u.Limit, u.Name)
		require.Zero(t, u.Held, u.Name)
	}
	t.Logf("%d actions of %d bytes held", flooded.sizes().Actions, flooded.sizes().ActionBytes)
}
