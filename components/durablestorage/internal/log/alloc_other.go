//go:build !linux

package log

import "os"

// allocate takes the disk space that a file will fill.
func allocate(f *os.File, bytes int64) error { return fill(f, bytes) }
