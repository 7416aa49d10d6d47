package collector

import (
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// FreePorts asks the kernel for n different free TCP ports of 127.0.0.1, which
// stay ours until the test ends: each is held by a socket that doesn't listen.
// Linux gives such a port to nobody else and refuses connections to it, while a
// server that asks for it by its number, with SO_REUSEADDR as servers do, gets
// it. Ports that were let go again would go to the next connection that leaves
// this machine, and the collector would find them taken.
func FreePorts(t testing.TB, n int) []string {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		require.NoError(t, err)
		release := func() { _ = syscall.Close(fd) }
		if runtime.GOOS == "linux" {
			syscall.CloseOnExec(fd)
			t.Cleanup(release)
		} else {
			defer release() // there SO_REUSEADDR says less
		}
		require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
		require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		bound, err := syscall.Getsockname(fd)
		require.NoError(t, err)
		addrs[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	}
	return addrs
}
