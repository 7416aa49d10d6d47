package syncdir

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// That names survive is tested with a disk that forgets them, in tests/e2e/crash.

func TestMakeMakesWhatIsMissing(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b", "c")
	require.NoError(t, Make(dir, 0o750))
	require.DirExists(t, dir)
	require.NoError(t, Make(dir, 0o700), "it may exist")
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o750), info.Mode().Perm()&^0o007)
}

func TestMakeRefusesAFileInTheWay(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorIs(t, Make(file, 0o750), fs.ErrExist)
	require.Error(t, Make(filepath.Join(file, "below"), 0o750))
	require.NoFileExists(t, filepath.Join(file, "below"))
}

func TestSyncSaysWhatIsMissing(t *testing.T) {
	require.NoError(t, Sync(t.TempDir()))
	require.ErrorIs(t, Sync(filepath.Join(t.TempDir(), "none")), fs.ErrNotExist)
}
