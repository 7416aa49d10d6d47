package datadogreceiver

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheKernelTellsWhoIsAtTheOtherEnd(t *testing.T) {
	listener, _, err := listenUnix(t.TempDir() + "/s")
	require.NoError(t, err)
	defer listener.Close()
	client, err := net.Dial("unix", listener.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	server, err := listener.Accept()
	require.NoError(t, err)
	defer server.Close()
	pid, ok := peerPID(server.(*net.UnixConn))
	require.True(t, ok)
	require.Equal(t, os.Getpid(), pid)
	cgroup, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	require.Equal(t, containerOf(cgroup), peerContainer(withPeerContainer(t.Context(), server)))
}
