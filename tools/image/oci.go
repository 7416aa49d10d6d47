package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// write writes the archive and returns the digest of the image index.
func write(w io.Writer, s spec) (digest string, err error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var docker tarball.Manifest
	for _, arch := range s.architectures {
		img, err := image(s, arch)
		if err != nil {
			return "", fmt.Errorf("%s: %w", arch, err)
		}
		if docker == nil {
			if docker, err = dockerView(s.ref, img); err != nil {
				return "", err
			}
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	hash, err := index.Digest()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "image-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeLayout(dir, s.ref, index, docker); err != nil {
		return "", err
	}
	return hash.String(), pack(w, dir, s.time)
}

func image(s spec, arch string) (v1.Image, error) {
	gz, err := layer(s, arch)
	if err != nil {
		return nil, err
	}
	if s.rootfs != "" {
		if err := os.WriteFile(strings.ReplaceAll(s.rootfs, "{arch}", arch), gz, 0o644); err != nil {
			return nil, err
		}
	}
	files, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(gz)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: s.time}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Created: created, Architecture: arch, OS: "linux", RootFS: v1.RootFS{Type: "layers"}, Config: s.config(),
	})
	if err != nil {
		return nil, err
	}
	img = mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
	return mutate.Append(img, mutate.Addendum{
		Layer: files, MediaType: types.OCILayer, History: v1.History{Created: created, CreatedBy: "image"},
	})
}

func (s *spec) config() v1.Config {
	ports := map[string]struct{}{}
	for _, p := range s.ports {
		ports[p] = struct{}{}
	}
	return v1.Config{User: s.user, Env: s.env, Entrypoint: s.entrypoint, Cmd: s.cmd, Labels: s.labels, ExposedPorts: ports}
}

// dockerView is what docker save writes beside an OCI layout, for older docker load.
func dockerView(ref string, img v1.Image) (tarball.Manifest, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	view := tarball.Descriptor{Config: blobPath(m.Config.Digest), RepoTags: []string{ref}}
	for _, l := range m.Layers {
		view.Layers = append(view.Layers, blobPath(l.Digest))
	}
	return tarball.Manifest{view}, nil
}

func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func writeLayout(dir, ref string, index v1.ImageIndex, docker tarball.Manifest) error {
	annotations, err := names(ref)
	if err != nil {
		return err
	}
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := to.AppendIndex(index, layout.WithAnnotations(annotations)); err != nil {
		return err
	}
	b, err := json.Marshal(docker)
	if err != nil {
		return err
	}
	return to.WriteFile("manifest.json", b, 0o644)
}

// names says what the image is called. The specification has only the tag, under
// which podman would load it as "1.2.3:latest"; podman, and containerd under
// Docker and Kubernetes, take the whole name from the second annotation, and
// containerd finds only names that are written out in full.
func names(ref string) (map[string]string, error) {
	full, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, err
	}
	_, tag, _ := strings.Cut(ref, ":")
	return map[string]string{
		"org.opencontainers.image.ref.name": tag,
		"io.containerd.image.name":          full.String(),
	}, nil
}

// pack writes the files below dir in the order of their names.
func pack(w io.Writer, dir string, at time.Time) error {
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Size: int64(len(b)), Mode: 0o644, ModTime: at}
		if err := tw.WriteHeader(header); err != nil {
			return err
		}
		_, err = tw.Write(b)
		return err
	})
	return errors.Join(err, tw.Close())
}
