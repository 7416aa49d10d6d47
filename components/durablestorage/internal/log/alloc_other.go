//go:build !linux

package log

import "os"

// allocate takes the disk space that a file will fill.
func allocate(f *os.File, bytes int64) error { return fill(f, bytes) }

// allocated is the disk space that a file has.
func allocated(info os.FileInfo) int64 { return info.Size() }
