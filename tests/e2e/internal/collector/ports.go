package collector

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// FreePorts asks the kernel for n different free TCP ports of 127.0.0.1.
func FreePorts(t testing.TB, n int) []string {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return addrs
}
