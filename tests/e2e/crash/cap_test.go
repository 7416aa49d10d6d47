package crash

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// T4: a full queue refuses in a way that each protocol's clients retry, and the
// disk it uses stays under its cap, for requests of one record too.
func TestAFullQueueRefusesAndItsFileHasACap(t *testing.T) {
	const maxBytes = 32 << 20
	for name, test := range map[string]struct {
		overlay    string
		batch, pad int
	}{
		"the queue's size": {`{exporters: {otlp_http: {sending_queue: {queue_size: 2097152}}}}`, 50, 1000},
		"the file's size, requests of one record": {`
extensions: {durable_storage: {max_bytes: 33554432, reserve_bytes: 1048576, compaction: {rebound_needed_threshold_mib: 20, rebound_trigger_threshold_mib: 1, check_interval: 1s}}}`, 1, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{overlay: test.overlay})
			r.backend.Be("503")
			r.Run()
			clients := r.clients(1_000_000, test.pad)
			for _, c := range clients {
				c.Batch = test.batch
			}
			fleet := StartFleet(t.Context(), clients...)
			var before Sum
			r.eventually("everything is refused", time.Minute, func() bool {
				// Full is when nothing is taken for a while and all protocols are told.
				now := r.ledger.Total()
				full := now.Acked > 0 && now.Acked == before.Acked && now.Refused > before.Refused
				for _, c := range fleet.clients {
					full = full && c.lastError() != nil // Fluent's clients wait longest
				}
				before = now
				time.Sleep(200 * time.Millisecond)
				return full
			})
			require.LessOrEqual(t, diskUse(t, filepath.Join(r.DataDir, "queue")), int64(3*maxBytes)*11/10, "three queues and their reserves")
			t.Logf("full with %d items, %d MB on disk; refusals:\n%s", before.Acked, diskUse(t, r.DataDir)>>20, fleet.Errors())
			for _, c := range fleet.clients {
				r.eventually(c.Source.Name+" is refused as its protocol refuses", time.Minute, func() bool {
					err := c.lastError()
					return err != nil && strings.Contains(err.Error(), refusals[c.Source.Name])
				})
			}
			r.backend.Be(OK)
			fleet.Stop(30 * time.Second)
			r.drained(time.Minute)
			r.verdict(name)
		})
	}
}

// refusals is what a protocol's clients are told by a full queue: each tries
// again what was refused so.
var refusals = map[string]string{
	"OTLP gRPC traces":    "code = Unavailable",
	"OTLP HTTP logs":      "503 Service Unavailable",
	"OTLP HTTP metrics":   "503 Service Unavailable",
	"Datadog v0.4 traces": "429 Too Many Requests",
	"Datadog v0.5 traces": "429 Too Many Requests",
	"Datadog v1.0 traces": "429 Too Many Requests",
	"Fluent forward logs": "i/o timeout", // held for max_wait, which is longer than this client waits
}

// diskUse is the size of all files below a directory.
func diskUse(t testing.TB, dir string) int64 {
	t.Helper()
	var sum int64
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // a compaction's file that is gone already
			}
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	}))
	return sum
}
