package crash

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// T6: whatever became of the queue's file, the collector is ready, what is
// intact arrives, and an operator can see what happened.
func TestDamagedQueueFiles(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(t *testing.T, path string)
		intact float64 // the least part of the log records that must come through, in percent
		prefix []string
	}{
		"truncated":    {damage: edit(func(b []byte) []byte { return b[:len(b)/8] }), intact: 10}, // files are allocated ahead
		"metas zeroed": {damage: edit(func(b []byte) []byte { clear(b[:2*os.Getpagesize()]); return b }), intact: 100},
		"64 garbled pages": {damage: edit(func(b []byte) []byte {
			rng := rand.New(rand.NewPCG(6, 6))
			for range 64 {
				at := (2 + rng.IntN(len(b)/os.Getpagesize()-2)) * os.Getpagesize()
				for i := range os.Getpagesize() {
					b[at+i] = byte(rng.Uint32())
				}
			}
			return b
		}), intact: 10},
		"a foreign file": {damage: edit(func([]byte) []byte { return bytes.Repeat([]byte("not a queue\n"), 10_000) })},
		"a directory": {damage: func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o755))
		}},
		"wrong permissions": wrongPermissions(),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			r.backend.Be("503")
			r.Run()
			r.fill(20_000, 100)
			r.Kill()
			test.damage(t, filepath.Join(r.DataDir, "queue", "exporter_otlp_http__logs"))
			if test.prefix != nil {
				r = r.under(test.prefix)
			}
			r.Launch()
			t.Logf("ready %s", r.WaitReady(30*time.Second))
			require.EqualValues(t, 1, r.metric("otelcol_extension_durable_storage_set_aside_files"))
			require.Contains(t, r.Log(), "queue file set aside")
			aside, err := filepath.Glob(filepath.Join(r.DataDir, "queue", "*.damaged-*"))
			require.NoError(t, err)
			require.Len(t, aside, 1)
			salvaged := r.metric("otelcol_extension_durable_storage_salvaged_requests")

			r.fill(r.ledger.Total().Acked+2000, 100) // and it works
			r.backend.Be(OK)
			r.still(20*time.Second, 1500*time.Millisecond)
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

// under is the same collector run under a command.
func (r *rig) under(prefix []string) *rig {
	next := newRigOn(r.t, r.ledger, r.backend, rigOptions{dataDir: r.DataDir, prefix: prefix})
	overlays, err := filepath.Glob(filepath.Join(filepath.Dir(r.DataDir), "*", "*.yaml"))
	require.NoError(r.t, err)
	for _, file := range overlays { // written for their owner only
		require.NoError(r.t, os.Chmod(file, 0o644))
	}
	return next
}

func edit(f func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, f(b), 0o600))
	}
}

// wrongPermissions makes the file one that the collector may not read. Root may
// read everything, so under root the collector runs as nobody.
func wrongPermissions() (test struct {
	damage func(t *testing.T, path string)
	intact float64
	prefix []string
}) {
	test.damage = func(t *testing.T, path string) { require.NoError(t, os.Chmod(path, 0)) }
	if os.Geteuid() != 0 {
		return test
	}
	const nobody = 65534
	test.prefix = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	test.damage = func(t *testing.T, path string) {
		_, err := exec.LookPath("setpriv")
		require.NoError(t, err, "as root this needs setpriv (util-linux)")
		require.NoError(t, os.Chmod(path, 0o600))
		for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path)), filepath.Join(filepath.Dir(filepath.Dir(path)), "quarantine")} {
			require.NoError(t, os.Chown(dir, nobody, nobody))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, e := range entries {
				if file := filepath.Join(dir, e.Name()); file != path {
					require.NoError(t, os.Chown(file, nobody, nobody))
				}
			}
		}
		// TempDir's parents are open to their owner only.
		for dir := filepath.Dir(filepath.Dir(path)); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			require.NoError(t, os.Chmod(dir, 0o755))
		}
	}
	return test
}
