package durablestorage

import (
	"errors"
	"syscall"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// isFull reports whether an error means that there is no space left, on the disk
// or under the file's cap.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, storage.ErrStorageFull)
}
