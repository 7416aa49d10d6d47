package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spec is what the user asked for.
type spec struct {
	ref           string
	user          string
	time          time.Time
	architectures []string
	entries       []entry
	entrypoint    []string
	cmd           []string
	env           []string
	ports         []string
	labels        map[string]string
	rootfs        string // file for the layer of each architecture, "" for none
}

// entry is one file of the image, or an empty directory when source is "".
type entry struct {
	path   string
	source string
}

// name:tag as the OCI distribution specification writes them, where the first
// component of the name has no dot or port and so cannot be a registry.
var refPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

func (s *spec) validate() error {
	if !refPattern.MatchString(s.ref) {
		return fmt.Errorf("-tag must be name:tag without a registry host, got %q", s.ref)
	}
	if len(s.architectures) == 0 {
		return errors.New("-arch must be given at least once")
	}
	if len(s.entrypoint) == 0 {
		return errors.New("-entrypoint must be given")
	}
	if _, _, err := s.owner(); err != nil {
		return err
	}
	if s.rootfs != "" && len(s.architectures) > 1 && !strings.Contains(s.rootfs, "{arch}") {
		return fmt.Errorf("-rootfs must have {arch} in it for more than one architecture, got %q", s.rootfs)
	}
	seen := map[string]bool{}
	for _, e := range s.entries {
		if !path.IsAbs(e.path) || path.Clean(e.path) != e.path || e.path == "/" {
			return fmt.Errorf("destination must be an absolute clean path, got %q", e.path)
		}
		if seen[e.path] {
			return fmt.Errorf("destination %s is given twice", e.path)
		}
		seen[e.path] = true
	}
	// A program that is not in the image is the one mistake that only shows
	// when somebody runs it.
	if !slices.ContainsFunc(s.entries, func(e entry) bool { return e.path == s.entrypoint[0] && e.source != "" }) {
		return fmt.Errorf("entrypoint %s is not among the files", s.entrypoint[0])
	}
	return nil
}

// owner splits -user into the ids a tar header takes.
func (s *spec) owner() (uid, gid int, err error) {
	u, g, ok := strings.Cut(s.user, ":")
	if ok {
		uid, err = strconv.Atoi(u)
	}
	if ok && err == nil {
		gid, err = strconv.Atoi(g)
	}
	if !ok || err != nil || uid < 0 || gid < 0 {
		return 0, 0, fmt.Errorf("-user must be uid:gid in numbers, got %q", s.user)
	}
	return uid, gid, nil
}
