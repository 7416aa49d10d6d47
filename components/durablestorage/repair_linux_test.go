package durablestorage

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/bolt"
)

// A file that this user may not read may be whole: the start says so and leaves it.
func TestAFileOfAnotherUserIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{filepath.Dir(dir), dir} {
		require.NoError(t, os.Chmod(path, 0o777)) //nolint:gosec // of this test alone
	}
	path := filepath.Join(dir, queueFile)
	require.NoError(t, os.WriteFile(path, queueImage(t, 3, 100), 0))
	d := newKit(t, t.TempDir()).durableStorage
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine, and with it the other user
		if err := unix.Setfsuid(65534); err != nil {
			failed <- err
			return
		}
		failed <- d.repair(path, bolt.Content{Queue: true, Signal: "logs"}, d.tel.forQueue(queueFile))
	}()
	require.ErrorIs(t, <-failed, os.ErrPermission)
	require.FileExists(t, path)
}
