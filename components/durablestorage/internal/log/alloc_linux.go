package log

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate takes the disk space that a file will fill, and leaves its size as it is.
func allocate(f *os.File, bytes int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, bytes)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return fill(f, bytes)
		default:
			return err
		}
	}
}
