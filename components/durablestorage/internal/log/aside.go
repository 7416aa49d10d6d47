package log

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// asideMark and a time end the name of a file that was set aside.
	asideMark = ".damaged-"
	// keepAside is how many of them are kept, beside those that the last start found.
	keepAside = 3
)

// asides are the files of a log that were set aside. By its name a file's age is
// what the clock was then, so those of this process are remembered.
type asides struct {
	dir   string
	found []string // by Open: they may be whole, and stay while the log is open
	later []string // when their items were done, oldest first
}

// set renames a file that Open can't read.
func (a *asides) set(path string) (to string, err error) {
	to, err = rename(path)
	if err == nil {
		a.found = append(a.found, to)
		a.bound()
	}
	return to, err
}

// freed renames a segment with damage whose other items are done.
func (a *asides) freed(path string) error {
	to, err := rename(path)
	if err == nil {
		a.later = append(a.later, to)
		a.bound()
	}
	return err
}

func rename(path string) (to string, err error) {
	to = path + asideMark + time.Now().UTC().Format("20060102T150405.000000000Z")
	return to, os.Rename(path, to)
}

// bound removes the oldest files beyond keepAside.
func (a *asides) bound() {
	all, _ := filepath.Glob(filepath.Join(escapeGlob(a.dir), "*"+asideMark+"*"))
	excess := len(all) - keepAside
	old := slices.DeleteFunc(all, func(path string) bool {
		return slices.Contains(a.found, path) || slices.Contains(a.later, path)
	})
	when := func(path string) string { return path[strings.LastIndex(path, asideMark):] }
	slices.SortFunc(old, func(a, b string) int { return cmp.Compare(when(a), when(b)) })
	for ; excess > 0 && len(old) > 0; excess-- {
		_ = os.RemoveAll(old[0])
		old = old[1:]
	}
	for ; excess > 0 && len(a.later) > 1; excess-- {
		_ = os.RemoveAll(a.later[0])
		a.later = a.later[1:]
	}
}

// escapeGlob makes a path a pattern that matches only itself.
func escapeGlob(path string) string {
	var b []byte
	for _, c := range []byte(path) {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(b)
}
