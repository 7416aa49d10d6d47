//go:build unix

package datadogreceiver

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
)

func TestTheInodeOfAControlGroupIsAContainer(t *testing.T) {
	id := strings.Repeat("ab", 32)
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, id), 0o755))
	info, err := os.Stat(filepath.Join(root, id))
	require.NoError(t, err)
	sink := new(consumertest.TracesSink)
	r := run(t, sink, func(c *Config) { c.CgroupRoot = root })
	r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"), "Datadog-Entity-ID", fmt.Sprint("in-", info.Sys().(*syscall.Stat_t).Ino))
	require.Equal(t, id, sink.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().AsRaw()["container.id"])
}
