package server

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"time"
)

// socketMode lets every user connect: connecting takes write permission only.
const socketMode = 0o722

// ListenUnix listens on path. The socket is made beside it and takes its place when it can be connected to, so that clients find one at
// any time. A socket that is there is replaced; served reports that another process still serves it. What is no socket is left alone
// and an error.
func ListenUnix(path string) (l net.Listener, served bool, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, false, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, false, errors.New("the file exists and is no socket")
	default:
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			served = true
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
	return renamed{unix, &net.UnixAddr{Name: path, Net: "unix"}}, served, nil
}

// renamed is a listener whose file has another name by now.
type renamed struct {
	net.Listener
	addr net.Addr
}

func (r renamed) Addr() net.Addr { return r.addr }
