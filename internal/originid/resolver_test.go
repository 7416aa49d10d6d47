package originid

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	docker  = strings.Repeat("ab", 32)
	ecs     = strings.Repeat("0", 32) + "-12"
	fargate = "12345678-1234-1234-1234-123456789012"[:8] + "-1234-1234-1234-1234"
)

func TestPathsOfContainers(t *testing.T) {
	for path, want := range map[string]string{
		"/system.slice/docker-" + docker + ".scope":           docker,
		"/kubepods.slice/cri-containerd-" + docker + ".scope": docker,
		"/kubepods/besteffort/pod1/" + docker:                 docker,
		"/ecs/task/" + ecs:                                    ecs,
		"/ecs/" + fargate:                                     fargate,
		"/user.slice":                                         "",
		"/" + docker + "/init":                                "",
	} {
		require.Equal(t, want, ContainerID(path), path)
	}
}

// tree makes control groups as a host has them, and returns the inode of each.
func tree(t *testing.T, root string, dirs ...string) map[string]uint64 {
	t.Helper()
	inodes := map[string]uint64{}
	for _, dir := range dirs {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
		info, err := os.Stat(filepath.Join(root, dir))
		require.NoError(t, err)
		inodes[dir] = inodeOf(info)
	}
	return inodes
}

func TestAnInodeIsAContainer(t *testing.T) {
	root := t.TempDir()
	container := "kubepods.slice/pod.slice/cri-containerd-" + docker + ".scope"
	inodes := tree(t, root, container, container+"/init.scope", "user.slice")
	r := New(root)
	require.Equal(t, docker, r.Entity(fmt.Sprint("in-", inodes[container])))
	require.Equal(t, docker, r.Container(inodes[container+"/init.scope"]), "what a container divides is its own")
	require.Empty(t, r.Container(inodes["user.slice"]))
	for _, entity := range []string{"", "in-", "in-x", "in--1", "in-1", "in-0", "ci-" + docker, "in-99999999999999999999"} {
		require.Empty(t, r.Entity(entity), entity)
	}
	require.Empty(t, New("").Container(7))
	require.Empty(t, New(filepath.Join(root, "missing")).Container(7))
}

func TestVersionOneIsReadBelowMemory(t *testing.T) {
	root := t.TempDir()
	inodes := tree(t, root, "memory/docker/"+docker, "cpu/docker/"+docker)
	r := New(root)
	require.Equal(t, docker, r.Container(inodes["memory/docker/"+docker]))
	require.Empty(t, r.Container(inodes["cpu/docker/"+docker]))
}

func TestScansAreRare(t *testing.T) {
	root := t.TempDir()
	now := time.Unix(1000, 0)
	r := New(root)
	r.now = func() time.Time { return now }
	require.Empty(t, r.Container(7))
	inodes := tree(t, root, docker)
	require.Empty(t, r.Container(inodes[docker]), "the last scan was just now")
	now = now.Add(scanEvery)
	require.Equal(t, docker, r.Container(inodes[docker]))
	require.Equal(t, now, r.scanned)
	now = now.Add(scanEvery)
	require.Empty(t, r.Container(7))
	require.NotEqual(t, now, r.scanned, "7 was looked for 20 s ago")
	now = now.Add(missFor)
	require.Empty(t, r.Container(7))
	require.Equal(t, now, r.scanned)

	require.NoError(t, os.Remove(filepath.Join(root, docker)))
	require.Equal(t, docker, r.Container(inodes[docker]), "believed for a while")
	now = now.Add(fresh)
	require.Empty(t, r.Container(inodes[docker]))
}

func TestAScanHasAnEdge(t *testing.T) {
	root := t.TempDir()
	tree(t, root, "a/b/c", "a/d")
	r, left, found := New(root), 2, map[uint64]string{}
	r.walk(root, docker, found, &left)
	require.Len(t, found, 2)
	require.Negative(t, left)
}
