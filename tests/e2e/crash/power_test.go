package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// T7: the power fails. The collector runs on a disk that knows what it has to
// keep and may keep of the rest what it likes, and starts again on what 50 cuts
// leave, among them some during a start, a drain and a write to quarantine.
// Without fsync the same disk loses what was acknowledged, or the test is blind.
func TestPowerLoss(t *testing.T) {
	for _, fsync := range []bool{true, false} {
		t.Run("fsync "+strconv.FormatBool(fsync), func(t *testing.T) {
			cuts := map[bool]int{true: 50, false: 10}[fsync]
			owed, lost, aside := powerCuts(t, fsync, cuts)
			t.Logf("%d cuts: of %d items that were acknowledged and not delivered %d are lost; %d files set aside", cuts, owed, lost, aside)
			require.Positive(t, owed, "void: nothing was on the disk alone")
			if fsync {
				require.Zero(t, lost, "items that were acknowledged are lost")
				require.Zero(t, aside, "damaged files")
			} else {
				require.Positive(t, lost, "the table of promises says that some are lost")
			}
		})
	}
}

type cut struct {
	moment int
	ledger *Ledger
}

func powerCuts(t *testing.T, fsync bool, n int) (owed, lost, aside int) {
	overlay := fmt.Sprintf(`
extensions:
  retry_policy: {quarantine: {directory: "${env:OTELCOL_OBS_DATA}/disk/quarantine"}}
  durable_storage:
    directory: ${env:OTELCOL_OBS_DATA}/disk/queue
    fsync: %t
    reserve_bytes: 1048576
    compaction: {check_interval: 50ms, rebound_needed_threshold_mib: 2, rebound_trigger_threshold_mib: 1}
exporters:
  otlp_http:
    retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}
    sending_queue: {batch: {flush_timeout: 20ms}}
`, fsync)
	rng := rand.New(rand.NewPCG(7, 7))
	disk := &PowerDisk{}
	cuts := record(t, disk, overlay, n, rng)
	wreck := disk.Wreck()
	for _, c := range cuts {
		t.Run(fmt.Sprintf("at %d", c.moment), func(t *testing.T) {
			dir := t.TempDir()
			wreck.To(c.moment)
			require.NoError(t, wreck.Cut([]float64{0, 0.5, 0.9, 1}[rng.IntN(4)], rng, filepath.Join(dir, "disk")))
			CountQuarantine(t, c.ledger, filepath.Join(dir, "disk"))
			before := c.ledger.Total().Lost
			r := newRigOn(t, c.ledger, StartBackend(t, c.ledger), rigOptions{overlay: overlay, dataDir: dir})
			r.Launch()
			r.WaitReady(30 * time.Second)
			r.still(20*time.Second, time.Second)
			damaged := int(r.metric("otelcol_extension_durable_storage_set_aside_files"))
			r.Kill()
			after := c.ledger.Total().Lost
			t.Logf("%d owed, %d lost, %d files set aside", before, after, damaged)
			owed, lost, aside = owed+before, lost+after, aside+damaged
		})
	}
	return owed, lost, aside
}

// record runs the collector on a disk, with a kill on the way, and returns
// moments and what was acknowledged at each.
func record(t *testing.T, disk *PowerDisk, overlay string, n int, rng *rand.Rand) (cuts []cut) {
	t.Helper()
	ownMounts(t)
	// Below the collector's working directory, and not that itself: a new process
	// goes there before it is one, and until then this one can't serve the disk.
	dir := t.TempDir()
	at := filepath.Join(dir, "disk")
	require.NoError(t, os.Mkdir(at, 0o750))
	unmount, err := disk.Mount(at)
	if err != nil {
		t.Fatalf("a disk that loses its power needs FUSE: /dev/fuse, and CAP_SYS_ADMIN to mount it: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unmount()) })
	r := newRig(t, rigOptions{overlay: overlay, dataDir: dir})
	r.Run()
	fleet := StartFleet(t.Context(), r.clients(6000, 1000)...)
	for i := range n {
		if i%(n/2) == n/4 {
			r.compact()
		}
		r.backend.Be([]Mood{"503", "503", OK, "503", "400", Slow}[i/2%6])
		if i == n/2 {
			r.Kill()
			r.Launch() // the next cuts fall into its start
		}
		time.Sleep(time.Duration(50+rng.IntN(100)) * time.Millisecond) // the moment is the test
		var c cut
		c.moment = disk.Now(func() { c.ledger = r.ledger.Clone() })
		cuts = append(cuts, c)
	}
	r.WaitReady(30 * time.Second)
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	r.Kill()
	return cuts
}

// compact returns when a queue that had grown has drained and given back its segments.
func (r *rig) compact() {
	r.t.Helper()
	r.WaitReady(30 * time.Second)
	r.backend.Be("503")
	r.eventually("a backlog", 30*time.Second, func() bool { return r.metric(liveBytes) > 8<<20 })
	before := r.metric(fileBytes)
	r.backend.Be(OK)
	r.eventually("its segments are given back", 30*time.Second, func() bool { return r.metric(fileBytes) < before/2 })
}
