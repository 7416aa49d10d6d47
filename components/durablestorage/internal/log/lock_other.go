//go:build !unix

package log

import (
	"os"
	"path/filepath"
	"time"
)

// lock does not keep other processes out here.
func lock(dir string, _ time.Duration) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
}
