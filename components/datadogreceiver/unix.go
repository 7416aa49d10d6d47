package datadogreceiver

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/originid"
)

// socketMode lets every user connect, as the Datadog agent does: connecting takes write permission only.
const socketMode = 0o722

// listenUnix listens on path. The socket is made beside it and takes its place when it can be connected to, so that tracers find one
// at any time: a stale one is replaced, and one that another process still serves too, because on a rollout that starts the next pod
// first it is the old pod's. replaced says so. What is no socket is left alone and an error.
func listenUnix(path string) (listener net.Listener, replaced bool, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, false, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, false, errors.New("the file exists and is no socket")
	default:
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			replaced = true
			conn.Close()
		}
	}
	beside := path + "." + strconv.FormatUint(uint64(rand.Uint32()), 36)
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: beside, Net: "unix"})
	if err != nil {
		return nil, false, err
	}
	// The file may be a successor's by the time this ends; ending must not unlink it.
	unix.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(beside, socketMode), os.Rename(beside, path)); err != nil {
		return nil, false, errors.Join(err, unix.Close(), os.Remove(beside))
	}
	return renamed{unix, &net.UnixAddr{Name: path, Net: "unix"}}, replaced, nil
}

// renamed is a listener whose file has another name by now.
type renamed struct {
	net.Listener
	addr net.Addr
}

func (r renamed) Addr() net.Addr { return r.addr }

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

// containerOf reads /proc/<pid>/cgroup. See man 7 cgroups.
func containerOf(cgroup []byte) string {
	for line := range bytes.Lines(cgroup) {
		if id := originid.ContainerID(string(bytes.TrimSpace(line))); id != "" {
			return id
		}
	}
	return ""
}
