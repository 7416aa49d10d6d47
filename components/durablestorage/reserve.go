package durablestorage

import (
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// refillEvery bounds how often a full disk is asked whether it has space again.
const refillEvery = 250 * time.Millisecond

// reserve is a file that does nothing but hold disk space. When the disk is
// full it is removed, and reads and deletes live on what it held.
type reserve struct {
	path  string
	size  int64
	held  bool
	tried time.Time
}

func newReserve(path string, size int64) *reserve {
	info, err := os.Stat(path)
	return &reserve{path: path, size: size, held: err == nil && info.Size() == size}
}

// fill takes the space and reports whether the reserve is whole. It asks for
// twice the size and gives half back: the disk counts as recovered only when
// there is room for the reserve and for a write beside it.
func (r *reserve) fill() bool {
	if r.held {
		return true
	}
	if time.Since(r.tried) < refillEvery {
		return false
	}
	r.tried = time.Now()
	r.held = r.write() == nil
	if !r.held {
		_ = os.Remove(r.path)
	}
	return r.held
}

func (r *reserve) write() (err error) {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	// Random bytes, since a file system that compresses would hold nothing for zeros.
	if _, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), 2*r.size); err != nil {
		return err
	}
	return f.Truncate(r.size)
}

// release gives the space back to the disk.
func (r *reserve) release() {
	r.held = false
	_ = os.Remove(r.path)
}
