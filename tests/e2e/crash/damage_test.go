package crash

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// T6: whatever became of the queue's file, the collector is ready, what is
// intact arrives, and an operator can see what happened.
func TestDamagedQueueFiles(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		intact float64 // the least part of the log records that must come through, in percent
	}{
		"truncated":      {damage: edit(func(b []byte) []byte { return b[:len(b)/8] }), intact: 10},
		"of length zero": {damage: edit(func([]byte) []byte { return nil })},
		"heads zeroed":   {damage: edit(func(b []byte) []byte { clear(b[:40]); return b }), intact: 99},
		"64 garbled pages": {damage: edit(func(b []byte) []byte {
			rng := rand.New(rand.NewPCG(6, 6))
			for range 64 {
				at := rng.IntN(max(1, len(b)/os.Getpagesize()-1)) * os.Getpagesize()
				for i := range min(os.Getpagesize(), len(b)-at) {
					b[at+i] = byte(rng.Uint32())
				}
			}
			return b
		}), intact: 1},
		"foreign files": {damage: edit(func([]byte) []byte { return bytes.Repeat([]byte("not a queue\n"), 10_000) })},
		"a directory": {damage: eachSegment(func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o755))
		})},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			r.backend.Be("503")
			r.Run()
			r.fill(20_000, 100)
			r.Kill()
			test.damage(t, filepath.Join(r.DataDir, "queue", "exporter_otlp_http__logs.log"))
			r.Launch()
			t.Logf("ready %s", r.WaitReady(30*time.Second))
			require.Positive(t, r.metric("otelcol_extension_durable_storage_set_aside_files"))
			require.Positive(t, r.metric("otelcol_extension_durable_storage_missing_segments")+r.metric("otelcol_extension_durable_storage_corrupt_requests"))
			require.Contains(t, r.Log(), "the queue was damaged; it goes on with what is intact")
			salvaged := r.metric("otelcol_extension_durable_storage_salvaged_requests")

			r.fill(r.ledger.Total().Acked+2000, 100) // and it works
			r.backend.Be(OK)
			r.still(20*time.Second, 1500*time.Millisecond)
			aside, err := filepath.Glob(filepath.Join(r.DataDir, "queue", "*", "*.damaged-*"))
			require.NoError(t, err)
			require.NotEmpty(t, aside)
			logs := Sum{}
			for _, s := range r.ledger.sources {
				if bytes.Contains([]byte(s.Name), []byte("logs")) {
					logs = logs.add(s.sum())
				} else {
					require.Zero(t, s.sum().Lost, "the other signals' queues are whole")
				}
			}
			t.Logf("salvaged %.0f requests; of %d log records %d are lost\n%s", salvaged, logs.Acked, logs.Lost, r.ledger.Table(name))
			require.GreaterOrEqual(t, 100-percent(logs.Lost, logs.Acked), test.intact)
		})
	}
}

func edit(f func([]byte) []byte) func(*testing.T, string) {
	return eachSegment(func(t *testing.T, path string) {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(b) > 40 { // else it was made and not used yet
			require.NoError(t, os.WriteFile(path, f(b), 0o600))
		}
	})
}

// eachSegment damages every file of a queue that holds requests.
func eachSegment(f func(*testing.T, string)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
		require.NoError(t, err)
		require.NotEmpty(t, segments)
		for _, s := range segments {
			f(t, s)
		}
	}
}
