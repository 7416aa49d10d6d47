//go:build !unix

package durablestorage

import (
	"os"
	"time"
)

// lock does nothing here: an open file can't be renamed or read beside a
// process that has it locked, so the operations that follow fail by themselves.
func lock(*os.File, time.Duration) error { return nil }

// allocated is the disk space that a file has.
func allocated(info os.FileInfo) int64 { return info.Size() }
