//go:build unix

package admission

import (
	"fmt"
	"syscall"
)

// limitFiles lowers the soft limit of open files, and returns what it is then. A listener that is not ours cannot be told
// how many connections it may take: this tells it, and a full one takes new connections when others have closed.
func (e *admissionExtension) limitFiles() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	want := uint64(max(0, e.cfg.MaxOpenFiles))
	if want == 0 {
		want = uint64(e.cfg.MaxConnections) + fileHeadroom
	}
	if e.cfg.MaxOpenFiles < 0 || limit.Cur <= want {
		return limit.Cur, nil
	}
	limit.Cur = want
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("set the limit of open files to %d: %w", want, err)
	}
	return want, nil
}
