package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// The collector speaks about itself in Prometheus text, and over OTLP when the
// example is laid on top.
func TestOwnTelemetry(t *testing.T) {
	backend := sink.Start(t)
	example, err := os.ReadFile(filepath.Join(collector.Root(), "config/examples/self-telemetry-otlp.yaml"))
	require.NoError(t, err)
	addr := collector.FreePorts(t, 1)[0]
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	overlay := strings.NewReplacer("host: 0.0.0.0, port: 8888", "host: 127.0.0.1, port: "+port, "interval: 30000", "interval: 200").Replace(string(example))
	c := toSink(t, backend, overlay)
	c.Metrics = addr
	require.Contains(t, c.Scrape(), "otelcol_process_uptime")
	backend.WaitFor(t, "the collector's own metrics", func() bool {
		for _, metric := range backend.Metrics() {
			if strings.HasPrefix(metric.Name(), "otelcol_process_") || strings.HasPrefix(metric.Name(), "otelcol.process.") {
				return true
			}
		}
		return false
	})
}
