package datadogreceiver

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerPID asks the kernel who is at the other end.
func peerPID(conn *net.UnixConn) (int, bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || credErr != nil || cred.Pid <= 0 {
		return 0, false
	}
	return int(cred.Pid), true
}
