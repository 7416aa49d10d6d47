package datadogreceiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strconv"
	"time"
)

// socketMode lets every user connect, as the Datadog agent does: connecting takes write permission only.
const socketMode = 0o722

// listenUnix listens on path. A socket that nobody serves any more is removed first; one that somebody serves, or what is no
// socket, is left alone and an error.
func listenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("the file exists and is no socket")
	default:
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			return nil, errors.Join(errors.New("another process serves the socket"), conn.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove stale socket: %w", err)
		}
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// On a rollout the next pod listens before this one ends; ending must not unlink its socket.
	listener.SetUnlinkOnClose(false)
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// withPeerContainer puts the container of the process at the other end of a Unix socket into the context of its requests. It is
// looked up once for a connection, and empty where the kernel or the pid namespace does not tell.
func withPeerContainer(ctx context.Context, conn net.Conn) context.Context {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	pid, ok := peerPID(unix)
	if !ok {
		return ctx
	}
	cgroup, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, containerOf(cgroup))
}

// containerPattern is what the Datadog agent looks for at the end of a cgroup's path: 64 hex digits (Docker, containerd, CRI-O),
// 32 hex digits, a dash and a number (ECS), or five groups (Cloud Foundry).
var containerPattern = regexp.MustCompile(`([0-9a-f]{64}|[0-9a-f]{32}-\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){4})(?:\.scope)?$`)

// containerOf reads /proc/<pid>/cgroup. See man 7 cgroups.
func containerOf(cgroup []byte) string {
	for line := range bytes.Lines(cgroup) {
		if m := containerPattern.FindSubmatch(bytes.TrimSpace(line)); m != nil {
			return string(m[1])
		}
	}
	return ""
}
