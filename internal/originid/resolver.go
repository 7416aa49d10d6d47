package originid

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxDirectories bounds a scan: a node of 250 pods has some thousands.
	maxDirectories = 50_000
	// maxContainers bounds what is remembered.
	maxContainers = 10_000
	// maxMisses bounds the inodes that are remembered as unknown.
	maxMisses = 10_000

	// scanEvery is the least time between two scans, whoever asks for what.
	scanEvery = 10 * time.Second
	// fresh is how long a scan is believed: the inode of a container that is gone is used again.
	fresh = 5 * time.Minute
	// missFor is how long an inode that was not there is not looked for.
	missFor = 30 * time.Second

	// hostInode is the root of the host's own control groups: a process that is in no container.
	hostInode = 1
)

// Resolver finds containers by inode. It is safe for concurrent use: while one request scans, others go on without an answer.
type Resolver struct {
	root  string
	now   func() time.Time
	inode func(fs.FileInfo) uint64

	scanning sync.Mutex

	mu         sync.Mutex
	containers map[uint64]string
	misses     map[uint64]time.Time
	scanned    time.Time
}

// New returns a resolver that looks below root, which is /sys/fs/cgroup of the host. An empty root finds nothing.
func New(root string) *Resolver {
	return &Resolver{root: root, now: time.Now, inode: inodeOf, misses: map[uint64]time.Time{}}
}

// Entity returns the container that a tracer's Datadog-Entity-ID names: `in-` and an inode. It is empty for anything else.
func (r *Resolver) Entity(entity string) string {
	text, ok := strings.CutPrefix(entity, "in-")
	if !ok {
		return ""
	}
	inode, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return ""
	}
	return r.Container(inode)
}

// Container returns the container whose control group has this inode, empty if none is known.
func (r *Resolver) Container(inode uint64) string {
	if r.root == "" || inode <= hostInode {
		return ""
	}
	id, look := r.known(inode)
	if !look || !r.scanning.TryLock() {
		return id
	}
	defer r.scanning.Unlock()
	found := r.scan()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.containers, r.scanned = found, r.now()
	if id = found[inode]; id == "" {
		if len(r.misses) >= maxMisses {
			clear(r.misses)
		}
		r.misses[inode] = r.scanned
	}
	return id
}

// known returns what the last scan found, and whether it is time to look again.
func (r *Resolver) known(inode uint64) (id string, look bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := r.now().Sub(r.scanned)
	if id = r.containers[inode]; id != "" && age < fresh {
		return id, false
	}
	if !r.scanned.IsZero() && age < scanEvery {
		return "", false
	}
	if at, missed := r.misses[inode]; missed && r.now().Sub(at) < missFor {
		return "", false
	}
	return "", true
}

// scan walks the control groups. Directories in a container's own belong to it, too.
func (r *Resolver) scan() map[uint64]string {
	root := r.root
	// Version 1 has a tree for each controller; tracers name the inode in that of memory.
	if memory := filepath.Join(root, "memory"); isDirectory(memory) {
		root = memory
	}
	found := map[uint64]string{}
	left := maxDirectories
	r.walk(root, "", found, &left)
	return found
}

func (r *Resolver) walk(dir, container string, found map[uint64]string, left *int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it is gone, or not ours to read
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if *left--; *left < 0 || len(found) >= maxContainers {
			return
		}
		id := container
		if own := ContainerID(e.Name()); own != "" {
			id = own
		}
		if id != "" {
			if info, err := e.Info(); err == nil {
				found[r.inode(info)] = id
			}
		}
		r.walk(filepath.Join(dir, e.Name()), id, found, left)
	}
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
