package collector

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A held port is given to nobody who asks for any port, and to a server that
// asks for it by its number, as often as it starts.
func TestFreePortsAreHeld(t *testing.T) {
	addr := FreePorts(t, 1)[0]
	for range 40_000 { // more than the kernel has
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NotEqual(t, addr, l.Addr().String())
		require.NoError(t, l.Close())
	}
	for range 3 {
		_, err := net.Dial("tcp", addr)
		require.ErrorContains(t, err, "refused")
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		_, err = net.Listen("tcp", addr)
		require.ErrorContains(t, err, "in use")
		client, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		server, err := l.Accept()
		require.NoError(t, err)
		require.NoError(t, server.Close()) // the server's end goes first, and lingers
		require.NoError(t, client.Close())
		require.NoError(t, l.Close())
	}
}
