package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memoryGroup is a control group with a memory limit, of version 1 or 2.
type memoryGroup struct {
	dir string
	v2  bool
}

// newMemoryGroup makes a group of bytes below this process's own, or returns why it can't be made.
func newMemoryGroup(t testing.TB, bytes int64) (*memoryGroup, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var tried []string
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		g := &memoryGroup{v2: parts[0] == "0"}
		root := "/sys/fs/cgroup"
		if !g.v2 {
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			root = "/sys/fs/cgroup/memory"
		}
		for _, below := range []string{parts[2], "/"} {
			g.dir = filepath.Join(root, below, fmt.Sprintf("crash-%d-%d", os.Getpid(), time.Now().UnixNano()))
			if err := g.make(bytes); err != nil {
				tried = append(tried, err.Error())
				continue
			}
			t.Cleanup(func() { _ = os.Remove(g.dir) })
			return g, nil
		}
	}
	return nil, fmt.Errorf("no memory control group can be made here: %s", strings.Join(tried, "; "))
}

func (g *memoryGroup) make(bytes int64) error {
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return err
	}
	limits := map[string]string{"memory.limit_in_bytes": strconv.FormatInt(bytes, 10)}
	if g.v2 {
		limits = map[string]string{"memory.max": strconv.FormatInt(bytes, 10)}
	}
	for file, value := range limits {
		if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0o644); err != nil {
			_ = os.Remove(g.dir)
			return err
		}
	}
	// Not every kernel has swap to limit.
	for file, value := range map[string]string{"memory.memsw.limit_in_bytes": strconv.FormatInt(bytes, 10), "memory.swap.max": "0"} {
		if _, err := os.Stat(filepath.Join(g.dir, file)); err == nil {
			_ = os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0o644)
		}
	}
	return nil
}

// prefix is a command that runs what follows it in the group.
func (g *memoryGroup) prefix() []string {
	return []string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, g.dir}
}

// anonymous is the memory of the group that is no file's.
func (g *memoryGroup) anonymous() (int64, error) {
	text, err := os.ReadFile(filepath.Join(g.dir, "memory.stat"))
	if err != nil {
		return 0, err
	}
	field := "total_rss "
	if g.v2 {
		field = "anon "
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, fmt.Errorf("no %sin %s/memory.stat", field, g.dir)
}
