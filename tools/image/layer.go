package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// layer returns the compressed layer of one architecture.
func layer(s spec, arch string) ([]byte, error) {
	var compressed bytes.Buffer
	zw := gzip.NewWriter(&compressed)
	l := layerWriter{Writer: tar.NewWriter(zw), spec: s, seen: map[string]bool{}}
	for _, e := range s.entries {
		if err := l.add(e, arch); err != nil {
			return nil, fmt.Errorf("add %s: %w", e.path, err)
		}
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return compressed.Bytes(), nil
}

type layerWriter struct {
	*tar.Writer
	spec spec
	seen map[string]bool // directories already written
}

func (l *layerWriter) add(e entry, arch string) error {
	if err := l.parents(path.Dir(e.path)); err != nil {
		return err
	}
	if e.source == "" {
		uid, gid, err := l.spec.owner()
		if err != nil {
			return err
		}
		l.seen[e.path] = true
		return l.WriteHeader(&tar.Header{
			Typeflag: tar.TypeDir, Name: e.path[1:] + "/", Mode: 0o750, Uid: uid, Gid: gid, ModTime: l.spec.time,
		})
	}
	return l.file(e.path, strings.ReplaceAll(e.source, "{arch}", arch))
}

// parents writes the directories above an entry, once each, owned by root.
func (l *layerWriter) parents(dir string) error {
	if dir == "/" || l.seen[dir] {
		return nil
	}
	if err := l.parents(path.Dir(dir)); err != nil {
		return err
	}
	l.seen[dir] = true
	return l.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: 0o755, ModTime: l.spec.time})
}

func (l *layerWriter) file(dst, src string) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", src)
	}
	// Only the executable bit is taken over: the builder's umask is not ours.
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := l.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: dst[1:], Size: info.Size(), Mode: mode, ModTime: l.spec.time,
	}); err != nil {
		return err
	}
	_, err = io.Copy(l, f)
	return err
}
