package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sources writes a program per architecture and a data file.
func sources(t *testing.T) string {
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "prog-"+arch), []byte("program for "+arch), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "roots.pem"), []byte("roots"), 0o600))
	return dir
}

func example(dir string) spec {
	return spec{
		ref: "otelcol-obs/otelcol-obs:1.2.3", user: "10001:10001", time: time.Unix(1700000000, 0).UTC(),
		architectures: []string{"amd64", "arm64"},
		entries: []entry{
			{path: "/otelcol-obs", source: filepath.Join(dir, "prog-{arch}")},
			{path: "/etc/ssl/certs/ca-certificates.crt", source: filepath.Join(dir, "roots.pem")},
			{path: "/var/lib/otelcol-obs"},
		},
		entrypoint: []string{"/otelcol-obs"}, cmd: []string{"--config=/etc/otelcol-obs/config.yaml"},
		env: []string{"ZONEINFO=/usr/share/zoneinfo.zip"}, ports: []string{"4317/tcp"},
		labels: map[string]string{"org.opencontainers.image.version": "1.2.3"},
	}
}

func TestTheSameFilesGiveTheSameBytes(t *testing.T) {
	var first, second bytes.Buffer
	_, err := write(&first, example(sources(t)))
	require.NoError(t, err)
	_, err = write(&second, example(sources(t))) // another directory, other file times
	require.NoError(t, err)
	assert.Equal(t, first.Bytes(), second.Bytes())
}

func TestEveryBlobIsWhatItsDigestSays(t *testing.T) {
	files := archiveOf(t, example(sources(t)))

	var top v1.IndexManifest
	unmarshal(t, files["index.json"], &top)
	require.Len(t, top.Manifests, 1)
	names := top.Manifests[0].Annotations
	assert.Equal(t, "1.2.3", names["org.opencontainers.image.ref.name"])
	// With the tag alone podman loaded the image as 1.2.3:latest. The other name is
	// written out in full, and engines show it as it was given.
	full, err := reference.ParseNamed(names["io.containerd.image.name"])
	require.NoError(t, err)
	assert.Equal(t, "otelcol-obs/otelcol-obs:1.2.3", reference.FamiliarString(full))

	var images v1.IndexManifest
	unmarshal(t, blobOf(t, files, top.Manifests[0]), &images)
	require.Len(t, images.Manifests, 2)
	for i, arch := range []string{"amd64", "arm64"} {
		var m v1.Manifest
		assert.Equal(t, &v1.Platform{Architecture: arch, OS: "linux"}, images.Manifests[i].Platform)
		unmarshal(t, blobOf(t, files, images.Manifests[i]), &m)

		var cfg v1.ConfigFile
		unmarshal(t, blobOf(t, files, m.Config), &cfg)
		assert.Equal(t, arch, cfg.Architecture)
		assert.Equal(t, time.Unix(1700000000, 0).UTC(), cfg.Created.Time)
		assert.Equal(t, v1.Config{
			User: "10001:10001", Entrypoint: []string{"/otelcol-obs"}, Cmd: []string{"--config=/etc/otelcol-obs/config.yaml"},
			Env: []string{"ZONEINFO=/usr/share/zoneinfo.zip"}, ExposedPorts: map[string]struct{}{"4317/tcp": {}},
			Labels: map[string]string{"org.opencontainers.image.version": "1.2.3"},
		}, cfg.Config)

		require.Len(t, m.Layers, 1)
		raw := gunzip(t, blobOf(t, files, m.Layers[0]))
		sum, _, err := v1.SHA256(bytes.NewReader(raw))
		require.NoError(t, err)
		assert.Equal(t, []v1.Hash{sum}, cfg.RootFS.DiffIDs)
	}
}

func TestTheDockerViewNamesTheFirstArchitecture(t *testing.T) {
	files := archiveOf(t, example(sources(t)))
	var docker tarball.Manifest
	unmarshal(t, files["manifest.json"], &docker)
	require.Len(t, docker, 1)
	assert.Equal(t, []string{"otelcol-obs/otelcol-obs:1.2.3"}, docker[0].RepoTags)
	var cfg v1.ConfigFile
	unmarshal(t, files[docker[0].Config], &cfg)
	assert.Equal(t, "amd64", cfg.Architecture)
	require.Len(t, docker[0].Layers, 1)
	assert.Contains(t, files, docker[0].Layers[0])
}

func TestALayerHoldsFilesWithFixedOwnersAndModes(t *testing.T) {
	gz, err := layer(example(sources(t)), "arm64")
	require.NoError(t, err)
	type file struct {
		name    string
		mode    int64
		uid     int
		content string
	}
	var got []file
	tr := tar.NewReader(bytes.NewReader(gunzip(t, gz)))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		b, err := io.ReadAll(tr)
		require.NoError(t, err)
		assert.Equal(t, h.Uid, h.Gid)
		assert.Equal(t, time.Unix(1700000000, 0).UTC(), h.ModTime.UTC())
		got = append(got, file{h.Name, h.Mode, h.Uid, string(b)})
	}
	assert.Equal(t, []file{
		{"otelcol-obs", 0o755, 0, "program for arm64"},
		{"etc/", 0o755, 0, ""},
		{"etc/ssl/", 0o755, 0, ""},
		{"etc/ssl/certs/", 0o755, 0, ""},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, "roots"},
		{"var/", 0o755, 0, ""},
		{"var/lib/", 0o755, 0, ""},
		{"var/lib/otelcol-obs/", 0o750, 10001, ""},
	}, got)
}

func TestTheFilesForADockerfileAreTheLayers(t *testing.T) {
	s := example(sources(t))
	dir := t.TempDir()
	s.rootfs = filepath.Join(dir, "rootfs-{arch}.tar.gz")
	archiveOf(t, s)
	for _, arch := range s.architectures {
		want, err := layer(s, arch)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, "rootfs-"+arch+".tar.gz"))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestABadRequestLeavesNoArchive(t *testing.T) {
	dir := sources(t)
	for name, tt := range map[string]struct {
		args []string
		err  string
	}{
		"registry host": {[]string{"-tag", "registry.example/x:1"}, `-tag must be name:tag without a registry host, got "registry.example/x:1"`},
		"no arch":       {[]string{"-tag", "x:1", "-entrypoint", "/x"}, "-arch must be given at least once"},
		"no program":    {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x"}, "entrypoint /x is not among the files"},
		"user name":     {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x", "-user", "nobody"}, `-user must be uid:gid in numbers, got "nobody"`},
		"relative path": {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x", "-dir", "../x"}, `destination must be an absolute clean path, got "../x"`},
		"twice":         {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x", "-dir", "/d", "-dir", "/d"}, "destination /d is given twice"},
		"one rootfs":    {[]string{"-tag", "x:1", "-arch", "amd64", "-arch", "arm64", "-entrypoint", "/x", "-rootfs", "r"}, `-rootfs must have {arch} in it for more than one architecture, got "r"`},
		"missing file":  {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x", "-file", "/x=" + filepath.Join(dir, "absent")}, "no such file or directory"},
		"a directory":   {[]string{"-tag", "x:1", "-arch", "amd64", "-entrypoint", "/x", "-file", "/x=" + dir}, "is not a regular file"},
		"stray word":    {[]string{"-tag", "x:1", "extra"}, `unexpected argument "extra"`},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			err := run(append([]string{"-o", filepath.Join(out, "image.tar")}, tt.args...))
			require.ErrorContains(t, err, tt.err)
			left, err := os.ReadDir(out)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// archiveOf runs the command line and returns the files of the archive it wrote.
func archiveOf(t *testing.T, s spec) map[string][]byte {
	path := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, writeFile(path, s))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	files := map[string][]byte{}
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		assert.NotContains(t, files, h.Name)
		files[h.Name], err = io.ReadAll(tr)
		require.NoError(t, err)
	}
}

func blobOf(t *testing.T, files map[string][]byte, d v1.Descriptor) []byte {
	b, ok := files[blobPath(d.Digest)]
	require.True(t, ok, d.Digest)
	sum, size, err := v1.SHA256(bytes.NewReader(b))
	require.NoError(t, err)
	assert.Equal(t, d.Digest, sum)
	assert.Equal(t, d.Size, size)
	return b
}

func unmarshal(t *testing.T, b []byte, into any) {
	require.NoError(t, json.Unmarshal(b, into))
}

func gunzip(t *testing.T, b []byte) []byte {
	zr, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	raw, err := io.ReadAll(zr)
	require.NoError(t, err)
	return raw
}
