package durablestorage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/bolt"
)

const (
	// asideMark and what follows it, a time, end the name of a file set aside.
	asideMark = ".damaged-"
	// keepAside is how many of them one queue keeps, the newest.
	keepAside = 3
	// rescueMark ends the name of a file being written from a damaged one.
	rescueMark = ".rescue"
)

// repair leaves at path either a file that bbolt can open, or none.
//
// The order survives a kill at any point: the rescue is complete before the
// damaged file is renamed, and if only the rescue is there it takes the name.
func (d *durableStorage) repair(path string, of bolt.Content, q *queueTelemetry) error {
	rescuePath := path + rescueMark
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(rescuePath); err == nil {
			return os.Rename(rescuePath, path)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at queue file %s: %w", path, err)
	}
	_ = os.Remove(rescuePath) // a rescue that was killed half way

	if !info.Mode().IsRegular() {
		return d.setAside(path, fmt.Errorf("not a file but %s", info.Mode().Type()), 0, 0, q)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		// It may be whole: whoever gives it back to this user finds it as it was.
		return fmt.Errorf("open queue file: %w", err)
	}
	if err != nil {
		return d.setAside(path, err, 0, 0, q)
	}
	defer f.Close()
	if err := lock(f, d.cfg.Timeout); err != nil {
		return fmt.Errorf("lock queue file %s: %w", path, err)
	}
	// The wait for the lock may have been long: look at the size only now.
	if info, err = f.Stat(); err != nil {
		return fmt.Errorf("look at queue file %s: %w", path, err)
	}
	cause := bolt.Verify(f, info.Size())
	if cause == nil {
		return nil
	}
	intact, corrupt, err := bolt.Rescue(f, info.Size(), of, rescuePath)
	if err != nil {
		_ = os.Remove(rescuePath)
		intact, cause = 0, errors.Join(cause, fmt.Errorf("nothing could be salvaged: %w", err))
	}
	if err := d.setAside(path, cause, intact, corrupt, q); err != nil {
		return err
	}
	if intact == 0 {
		_ = os.Remove(rescuePath)
		return nil
	}
	return os.Rename(rescuePath, path)
}

func (d *durableStorage) setAside(path string, cause error, intact, corrupt int64, q *queueTelemetry) error {
	aside := path + asideMark + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("set queue file aside: %w", errors.Join(err, cause))
	}
	d.logger.Error("queue file set aside, starting with what could be salvaged",
		zap.String("file", aside), zap.Error(cause), zap.Int64("salvaged_requests", intact), zap.Int64("corrupt_requests", corrupt))
	q.add(q.setAside, 1)
	q.add(q.salvaged, intact)
	q.add(q.corrupt, corrupt)

	old, _ := filepath.Glob(globEscape(path) + asideMark + "*")
	slices.Sort(old)
	// By a clock that was set back the newest may look like the oldest.
	old = slices.DeleteFunc(old, func(name string) bool { return name == aside })
	for len(old) > keepAside-1 {
		d.logger.Warn("removing the oldest queue file set aside", zap.String("file", old[0]))
		if err := os.RemoveAll(old[0]); err != nil {
			return fmt.Errorf("remove %s: %w", old[0], err)
		}
		old = old[1:]
	}
	return nil
}

// globEscape makes a path a pattern that matches only itself.
func globEscape(path string) string {
	var b []byte
	for _, c := range []byte(path) {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(b)
}
