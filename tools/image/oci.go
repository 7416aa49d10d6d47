package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"github.com/distribution/reference"
)

// Media types of the OCI image specification 1.1.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type imageConfig struct {
	Created      string    `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type runConfig struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// dockerManifest is one line of docker save's manifest.json.
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// write writes the archive and returns the digest of the image index.
func write(w io.Writer, s spec) (string, error) {
	a := archive{Writer: tar.NewWriter(w), time: s.time, seen: map[string]bool{}}
	images := index{SchemaVersion: 2, MediaType: mediaIndex}
	var docker []dockerManifest
	for _, arch := range s.architectures {
		d, dm, err := a.image(s, arch)
		if err != nil {
			return "", fmt.Errorf("%s: %w", arch, err)
		}
		images.Manifests = append(images.Manifests, d)
		if docker == nil {
			docker = []dockerManifest{dm}
		}
	}
	top, err := a.json(mediaIndex, images)
	if err != nil {
		return "", err
	}
	if top.Annotations, err = names(s.ref); err != nil {
		return "", err
	}
	return top.Digest, a.finish(index{SchemaVersion: 2, MediaType: mediaIndex, Manifests: []descriptor{top}}, docker)
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

// archive writes blobs as they are made; the two indexes that name them follow.
type archive struct {
	*tar.Writer
	time time.Time
	seen map[string]bool
}

func (a *archive) image(s spec, arch string) (descriptor, dockerManifest, error) {
	gz, diffID, err := layer(s, arch)
	if err != nil {
		return descriptor{}, dockerManifest{}, err
	}
	if s.rootfs != "" {
		if err := os.WriteFile(strings.ReplaceAll(s.rootfs, "{arch}", arch), gz, 0o644); err != nil {
			return descriptor{}, dockerManifest{}, err
		}
	}
	blob, err := a.blob(mediaLayer, gz)
	if err != nil {
		return descriptor{}, dockerManifest{}, err
	}
	created := s.time.Format(time.RFC3339)
	cfg := imageConfig{
		Created: created, Architecture: arch, OS: "linux",
		Config: runConfig{
			User: s.user, Env: s.env, Entrypoint: s.entrypoint, Cmd: s.cmd, Labels: s.labels,
			ExposedPorts: map[string]struct{}{},
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{diffID}},
		History: []history{{Created: created, CreatedBy: "image"}},
	}
	for _, p := range s.ports {
		cfg.Config.ExposedPorts[p] = struct{}{}
	}
	config, err := a.json(mediaConfig, cfg)
	if err != nil {
		return descriptor{}, dockerManifest{}, err
	}
	d, err := a.json(mediaManifest, manifest{
		SchemaVersion: 2, MediaType: mediaManifest, Config: config, Layers: []descriptor{blob},
	})
	d.Platform = &platform{Architecture: arch, OS: "linux"}
	return d, dockerManifest{
		Config: blobPath(config.Digest), RepoTags: []string{s.ref}, Layers: []string{blobPath(blob.Digest)},
	}, err
}

func (a *archive) json(mediaType string, v any) (descriptor, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return descriptor{}, err
	}
	return a.blob(mediaType, b)
}

func (a *archive) blob(mediaType string, b []byte) (descriptor, error) {
	sum := sha256.New()
	sum.Write(b)
	d := descriptor{MediaType: mediaType, Digest: digestOf(sum), Size: len(b)}
	if a.seen[d.Digest] {
		return d, nil
	}
	a.seen[d.Digest] = true
	return d, a.entry(blobPath(d.Digest), b)
}

func (a *archive) finish(top index, docker []dockerManifest) error {
	for _, f := range []struct {
		name  string
		value any
	}{
		{"oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}},
		{"index.json", top},
		{"manifest.json", docker},
	} {
		b, err := json.Marshal(f.value)
		if err != nil {
			return err
		}
		if err := a.entry(f.name, b); err != nil {
			return err
		}
	}
	return a.Close()
}

func (a *archive) entry(name string, b []byte) error {
	if err := a.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(b)), Mode: 0o644, ModTime: a.time,
	}); err != nil {
		return err
	}
	_, err := a.Write(b)
	return err
}

func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func blobPath(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }
