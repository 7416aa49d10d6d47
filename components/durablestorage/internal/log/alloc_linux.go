package log

import (
	"errors"
	"os"
	"syscall"

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

// allocated is the disk space that a file has, which may be more than its size.
func allocated(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
