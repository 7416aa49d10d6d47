package crash

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// PowerDisk is a file system in memory, mounted with FUSE, that remembers each
// change in its order and can tell what a power cut would have left of them.
//
// It promises as little as POSIX does: bytes and sizes are there for certain
// after an fsync of their file, names after an fsync of their directory. Of
// what was not synced any part may be there: each sector on its own, in any of
// the states it had since. Only names keep their order, as in a journal.
type PowerDisk struct {
	mu     sync.Mutex
	log    []change
	inodes uint64
}

// sector is what a disk writes whole or not at all.
const sector = 512

type changeKind int

const (
	written  changeKind = iota // data at an offset
	resized                    // to a size
	linked                     // name to child, which may replace another
	unlinked                   // name
	moved                      // name to another
	synced
)

// change is one change to a file, or to the names in a directory.
type change struct {
	kind     changeKind
	inode    uint64
	at       int64 // offset of what is written, or the new size
	data     []byte
	name, to string
	child    uint64
	dir      bool // child is a directory
}

// Now calls f while the disk stands still, and returns that moment.
func (d *PowerDisk) Now(f func()) (moment int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	return len(d.log)
}

// Wreck is what a power cut leaves: what was synced, and any part of the rest.
type Wreck struct {
	log     []change
	moment  int
	files   map[uint64][]byte            // as synced
	names   map[uint64]map[string]uint64 // of each directory, as synced
	pending map[uint64][]change          // since the last sync
}

// Wreck returns the disk as it was when it was new.
func (d *PowerDisk) Wreck() *Wreck {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Wreck{log: d.log, files: map[uint64][]byte{}, names: map[uint64]map[string]uint64{0: {}}, pending: map[uint64][]change{}}
}

// To goes forward to a moment.
func (w *Wreck) To(moment int) {
	for _, c := range w.log[w.moment:moment] {
		if c.kind == linked && c.dir {
			w.names[c.child] = map[string]uint64{}
		}
		if c.kind != synced {
			w.pending[c.inode] = append(w.pending[c.inode], c)
			continue
		}
		if names, isDir := w.names[c.inode]; isDir {
			rename(names, w.pending[c.inode])
		} else {
			w.files[c.inode] = settle(w.files[c.inode], w.pending[c.inode])
		}
		delete(w.pending, c.inode)
	}
	w.moment = moment
}

// Cut writes to dir what is left. luck is the share of what was not synced that
// survives whole; the rest is there as it was at some time since.
func (w *Wreck) Cut(luck float64, rng *rand.Rand, dir string) error {
	states := func(n int) int { // how many of n changes to one place are there
		if rng.Float64() < luck {
			return n
		}
		return rng.IntN(n + 1)
	}
	var write func(inode uint64, path string) error
	write = func(inode uint64, path string) error {
		rest := w.pending[inode]
		names, isDir := w.names[inode]
		if !isDir {
			return os.WriteFile(path, tear(w.files[inode], rest, states), 0o600)
		}
		if err := os.MkdirAll(path, 0o750); err != nil {
			return err
		}
		names = maps.Clone(names)
		rename(names, rest[:states(len(rest))])
		for _, name := range slices.Sorted(maps.Keys(names)) { // the same wreck for the same rng
			if err := write(names[name], filepath.Join(path, name)); err != nil {
				return err
			}
		}
		return nil
	}
	return write(0, dir)
}

// settle applies changes to a file's content, in place.
func settle(content []byte, changes []change) []byte {
	for _, c := range changes {
		switch {
		case c.kind == resized:
			content = resize(content, c.at)
		default:
			content = resize(content, max(int64(len(content)), c.at+int64(len(c.data))))
			copy(content[c.at:], c.data)
		}
	}
	return content
}

func resize(content []byte, size int64) []byte {
	if grow := size - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	return content[:size]
}

// tear returns content with a part of changes. states says how many of the
// changes to each sector, and to the size, are to be seen.
func tear(content []byte, changes []change, states func(int) int) []byte {
	sectors := func(c change, f func(s, from, to int64)) {
		for from, end := c.at, c.at+int64(len(c.data)); from < end; {
			to := min((from/sector+1)*sector, end)
			f(from/sector, from, to)
			from = to
		}
	}
	var order []int64
	show := map[int64]int{}
	sizes, room := []int64{int64(len(content))}, int64(len(content))
	for _, c := range changes {
		size := c.at
		if c.kind == written {
			size = max(sizes[len(sizes)-1], c.at+int64(len(c.data)))
			sectors(c, func(s, _, _ int64) {
				if show[s]++; show[s] == 1 {
					order = append(order, s)
				}
			})
		}
		sizes, room = append(sizes, size), max(room, size)
	}
	for _, s := range order {
		show[s] = states(show[s])
	}
	out := resize(slices.Clone(content), room)
	for _, c := range changes {
		if c.kind != written {
			continue
		}
		sectors(c, func(s, from, to int64) {
			if show[s]--; show[s] >= 0 {
				copy(out[from:to], c.data[from-c.at:])
			}
		})
	}
	return out[:sizes[states(len(changes))]]
}

// rename applies changes to the names in a directory.
func rename(names map[string]uint64, changes []change) {
	for _, c := range changes {
		switch c.kind {
		case linked:
			names[c.name] = c.child
		case unlinked:
			delete(names, c.name)
		case moved:
			names[c.to] = names[c.name]
			delete(names, c.name)
		}
	}
}
