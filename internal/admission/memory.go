package admission

import (
	"bufio"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// MemoryLimit is what FollowMemoryLimit found.
type MemoryLimit struct {
	// Bytes is the limit Go's memory is kept below; math.MaxInt64: none.
	Bytes int64
	// Source is where it comes from: "GOMEMLIMIT", the path of the control group's file, or "" for none.
	Source string
}

// FollowMemoryLimit sets Go's memory limit to four fifths of the smallest limit of the process's control groups, unless
// GOMEMLIMIT is set already. Without it, a container's limit is found by being killed.
func FollowMemoryLimit() MemoryLimit {
	return followMemoryLimit("/", os.Getenv("GOMEMLIMIT"))
}

func followMemoryLimit(root, env string) MemoryLimit {
	if limit := debug.SetMemoryLimit(-1); env != "" || limit != math.MaxInt64 {
		return MemoryLimit{limit, "GOMEMLIMIT"}
	}
	limit, file := controlGroupLimit(root)
	if limit == math.MaxInt64 {
		return MemoryLimit{Bytes: math.MaxInt64}
	}
	limit = limit / 5 * 4
	debug.SetMemoryLimit(limit)
	return MemoryLimit{limit, file}
}

// controlGroupLimit returns the smallest memory limit from the process's control group up to the root, version 1 or 2,
// and the file that says it.
func controlGroupLimit(root string) (least int64, file string) {
	least = math.MaxInt64
	for _, dir := range memoryGroups(root) {
		for _, name := range []string{"memory.max", "memory.high", "memory.limit_in_bytes"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			// Version 2 says "max" for none, version 1 a number near 2^63.
			n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
			if err == nil && n > 0 && n < 1<<50 && n < least {
				least, file = n, filepath.Join(dir, name)
			}
		}
	}
	return least, file
}

// memoryGroups returns the directories of the process's memory control group and of those above it. In a container the
// group's own path is often not mounted, and what is mounted at the top is the group.
func memoryGroups(root string) (dirs []string) {
	of := func(mount, group string) {
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			dirs = append(dirs, filepath.Join(root, mount, at))
			if at == "/" {
				return
			}
		}
	}
	f, err := os.Open(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		of("sys/fs/cgroup", "/")
		of("sys/fs/cgroup/memory", "/")
		return dirs
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// hierarchy-ID:controllers:path
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			of("sys/fs/cgroup", parts[2])
		case containsWord(parts[1], "memory"):
			of("sys/fs/cgroup/memory", parts[2])
		}
	}
	return dirs
}

func containsWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}
