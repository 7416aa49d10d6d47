package crash

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ownMounts gives this test mounts of its own: the thread it runs on, and the
// processes it starts, see them, and they end with them.
func ownMounts(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Fatalf(needMounts, err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf(needMounts, err)
	}
}

const needMounts = "a disk of its own needs CAP_SYS_ADMIN for unshare(CLONE_NEWNS) and mount: run as root, in a container with --cap-add SYS_ADMIN and a seccomp and AppArmor profile that allow mount: %v"

// smallDisk mounts a tmpfs for this test alone.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	ownMounts(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf(needMounts, err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// T5: a disk that is full by our own data, and one filled by a neighbour, with
// kills and restarts while it is full.
func TestFullDisk(t *testing.T) {
	for _, by := range []string{"our own queues", "a neighbour"} {
		t.Run(by, func(t *testing.T) {
			disk := smallDisk(t, "64m")
			r := newRig(t, rigOptions{dataDir: disk})
			r.backend.Be("503")
			r.Run()
			fleet := StartFleet(t.Context(), r.clients(20_000, 1000)...)
			neighbour := filepath.Join(disk, "neighbour")
			if by == "a neighbour" {
				r.eventually("a backlog", time.Minute, func() bool { return r.ledger.Total().Acked > 5000 })
				fillDisk(t, neighbour)
			}
			r.eventually("the disk is full and puts are refused", time.Minute, func() bool {
				return r.metric("otelcol_extension_durable_storage_refused_puts") > 50
			})
			for range 3 {
				r.Kill()
				r.Launch()
				require.LessOrEqual(t, r.WaitReady(30*time.Second), readyWithin, "ready on a full disk")
			}
			before := r.ledger.Total()
			r.backend.Be(OK)
			r.eventually("it drains while the disk is full", time.Minute, func() bool { return int(r.backend.Items()) > before.Acked/2 })
			r.Kill()
			r.Run()
			if by == "a neighbour" {
				require.NoError(t, os.Remove(neighbour))
			}
			r.eventually("it takes requests again", time.Minute, func() bool { return r.ledger.Total().Acked > before.Acked+1000 })
			fleet.Stop(30 * time.Second)
			r.drained(time.Minute)
			r.verdict("full disk, by " + by)
		})
	}
}

func fillDisk(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, unix.ENOSPC)
}
