//go:build !linux

package datadogreceiver

import "net"

// peerPID is known on Linux only.
func peerPID(*net.UnixConn) (int, bool) { return 0, false }
