package log

import (
	"io"
	"math/rand/v2"
	"os"
)

// fill writes what takes space on file systems that can't allocate: random bytes,
// since those that compress would hold nothing for zeros. No record is in them.
func fill(f *os.File, bytes int64) error {
	_, err := io.CopyN(io.NewOffsetWriter(f, 0), rand.NewChaCha8([32]byte{}), bytes)
	return err
}
