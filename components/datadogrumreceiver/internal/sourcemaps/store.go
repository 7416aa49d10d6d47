// Package sourcemaps finds what a minified stack was before it was minified.
//
// Libraries: go-sourcemap/sourcemap, which reads the VLQ of version 3 maps that
// we would have written a reader for instead.
package sourcemaps

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-sourcemap/sourcemap"

	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

// Config says where source maps are.
type Config struct {
	// Directory holds <service>/<version>/<path of the script>.map; empty switches it off.
	Directory string `mapstructure:"directory"`
	// MaxCachedBytes bounds the maps that are kept in memory, by the size of their files.
	MaxCachedBytes int64 `mapstructure:"max_cached_bytes"`
}

const (
	maxMapBytes = 64 << 20
	// A map that was not there is not looked for again for a while: strangers
	// name the scripts.
	missingFor = time.Minute
	maxMissing = 10_000
)

// Store reads source maps from a directory. It is safe for concurrent use; maps
// are read one at a time.
type Store struct {
	cfg *Config

	mu      sync.Mutex
	root    *os.Root // nil until Open, or when there is no directory
	maps    map[string]*cached
	bytes   int64
	missing *ttlset.Map[string, struct{}]
}

type cached struct {
	consumer *sourcemap.Consumer
	bytes    int64
	used     time.Time
}

// New returns a store that finds nothing until Open.
func New(cfg *Config) *Store {
	return &Store{cfg: cfg, maps: map[string]*cached{}, missing: ttlset.NewMap[string, struct{}](maxMissing, missingFor)}
}

// Open opens the directory, if there is one.
func (s *Store) Open() error {
	if s.cfg.Directory == "" {
		return nil
	}
	root, err := os.OpenRoot(s.cfg.Directory)
	if err != nil {
		return fmt.Errorf("source_maps::directory: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root = root
	return nil
}

// Close closes the directory.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	root := s.root
	s.root = nil
	return root.Close()
}

// find returns the map of a script, nil when there is none: first under the
// path of its URL, then under its name alone.
func (s *Store) find(service, version, script string, now time.Time) (*sourcemap.Consumer, error) {
	if !isName(service) || !isName(version) {
		return nil, nil
	}
	_, rest, _ := strings.Cut(script, "://")
	_, rest, ok := strings.Cut(rest, "/")
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	if !ok || rest == "" || !fs.ValidPath(rest) {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{rest, path.Base(rest)} {
		c, err := s.load(service+"/"+version+"/"+name+".map", now)
		if c != nil || err != nil {
			return c, err
		}
	}
	return nil, nil
}

// isName reports whether s can be the name of one directory.
func isName(s string) bool { return s != "." && !strings.Contains(s, "/") && fs.ValidPath(s) }

func (s *Store) load(name string, now time.Time) (*sourcemap.Consumer, error) {
	if c := s.maps[name]; c != nil {
		c.used = now
		return c.consumer, nil
	}
	if _, missing := s.missing.Get(name, now); missing || s.root == nil {
		return nil, nil
	}
	consumer, size, err := s.read(name)
	if err != nil {
		s.missing.Put(name, struct{}{}, now)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	s.makeRoom(size)
	s.maps[name] = &cached{consumer, size, now}
	s.bytes += size
	return consumer, nil
}

func (s *Store) read(name string) (*sourcemap.Consumer, int64, error) {
	file, err := s.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxMapBytes+1))
	if err != nil {
		return nil, 0, err
	}
	if len(raw) > maxMapBytes {
		return nil, 0, fmt.Errorf("source map %s is larger than %d bytes", name, maxMapBytes)
	}
	consumer, err := sourcemap.Parse("", raw)
	if err != nil {
		return nil, 0, fmt.Errorf("read source map %s: %w", name, err)
	}
	return consumer, int64(len(raw)), nil
}

// makeRoom forgets the maps that were unused for longest until size fits.
func (s *Store) makeRoom(size int64) {
	for s.bytes+size > s.cfg.MaxCachedBytes && len(s.maps) > 0 {
		oldest := ""
		for name, c := range s.maps {
			if oldest == "" || c.used.Before(s.maps[oldest].used) {
				oldest = name
			}
		}
		s.bytes -= s.maps[oldest].bytes
		delete(s.maps, oldest)
	}
}
