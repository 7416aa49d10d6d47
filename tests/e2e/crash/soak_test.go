package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// moods is the round that the soak's backend goes.
var moods = []Mood{"503", Hang, OK, "500", Slow, "403", "502", "408", "429", "413", "400", "401", "404", OK}

// T1: kill -9 at random, a third of them once more right after the start, while
// the backend goes through its moods.
func TestSoak(t *testing.T) {
	t.Run("durable_storage and retry_policy", func(t *testing.T) {
		r := newRig(t, rigOptions{})
		kills := runSoak(r)
		r.verdict("durable_storage, retry_policy")
		worst, bound := r.ledger.WorstKill(), inFlight(t)
		t.Logf("%d kills; the worst made %d items arrive again, %d can be in flight", kills, worst, bound)
		require.LessOrEqual(t, worst, bound, "a kill repeats no more than what is in flight")
	})
	if os.Getenv("STOCK") == "" {
		return
	}
	t.Run("file_storage", func(t *testing.T) {
		r := newRig(t, rigOptions{overlay: stock})
		runSoak(r)
		t.Logf("\n%s", r.ledger.Table("file_storage, no policy"))
	})
}

func runSoak(r *rig) (kills int) {
	r.t.Helper()
	const rate = 30_000
	length := soak(25 * time.Second)
	rng := rand.New(rand.NewPCG(8, 8))
	r.Run()
	fleet := StartFleet(r.t.Context(), r.clients(rate, 100)...)
	end := time.Now().Add(length)
	mood := 0
	change := time.Now()
	for time.Now().Before(end) {
		next := time.Now().Add(time.Duration(1000+rng.IntN(2000)) * time.Millisecond)
		for time.Now().Before(next) {
			if time.Now().After(change) {
				r.backend.Be(moods[mood%len(moods)])
				mood++
				change = time.Now().Add(min(length/time.Duration(len(moods)), 5*time.Second))
			}
			time.Sleep(20 * time.Millisecond)
		}
		r.Kill()
		kills++
		if rng.IntN(3) == 0 {
			r.Launch()
			time.Sleep(time.Duration(5+rng.IntN(245)) * time.Millisecond) // the moment is the test
			r.Kill()
			kills++
		}
		r.Run()
	}
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	start := time.Now()
	r.drained(5 * time.Minute) // up to three full queues, while anything arrives
	drained := time.Since(start)
	took, err := r.Terminate(exitWithin)
	require.NoError(r.t, err)
	r.drained(10 * time.Second)
	r.t.Logf("%s, %d kills, drained in %s, SIGTERM to exit %s, ack p50 %s p99 %s\n%s", length, kills, drained.Round(time.Millisecond), took.Round(time.Millisecond),
		fleet.Latency(50).Round(time.Microsecond), fleet.Latency(99).Round(time.Microsecond), fmt.Sprint(fleet.Errors()))
	return kills
}
