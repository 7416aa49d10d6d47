package log

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A collector that once ran as another user leaves segments that this one may not
// read. They are whole: the start says so and moves none.
func TestSegmentsOfAnotherUserAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	for _, path := range []string{filepath.Dir(dir), dir} {
		require.NoError(t, os.Chmod(path, 0o777)) //nolint:gosec // of this test alone
	}
	names, err := segmentNames(dir)
	require.NoError(t, err)
	require.Greater(t, len(names), keepAside)
	for _, id := range names {
		require.NoError(t, os.Chmod(segmentPath(dir, id), 0))
	}
	for _, name := range []string{stateFile, "lock"} {
		require.NoError(t, os.Chmod(filepath.Join(dir, name), 0o666)) //nolint:gosec // of this test alone
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine, and with it the other user
		if err := unix.Setfsuid(65534); err != nil {
			failed <- err
			return
		}
		_, _, err := Open(dir, small)
		failed <- err
	}()
	require.ErrorIs(t, <-failed, os.ErrPermission)
	after, err := segmentNames(dir)
	require.NoError(t, err)
	require.Equal(t, names, after)
}

func TestAPipeUnderASegmentsNameIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(segmentPath(dir, 1), 0o600))
	require.NoError(t, os.WriteFile(segmentPath(dir, 2), nil, 0o600))
	require.NoError(t, os.Truncate(segmentPath(dir, 2), 1<<42))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, stateFile), 0o600))
	l, report, err := Open(dir, small)
	require.NoError(t, err)
	require.Len(t, report.Aside, 3)
	require.NoError(t, l.Append(Item{0, []byte("a")}))
	require.NoError(t, l.Close())
}
