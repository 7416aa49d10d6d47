package ddparity

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver"
)

// startExporter starts the exporter, sending to an intake.
func startExporter(t testing.TB, to *intake) exporter.Traces {
	t.Helper()
	f := datadogexporter.NewFactory()
	cfg := f.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"api":           map[string]any{"key": "0123456789abcdef0123456789abcdef"},
		"endpoint":      to.url,
		"hostname":      "h",
		"host_metadata": map[string]any{"enabled": false},
		"sending_queue": map[string]any{"batch": map[string]any{"flush_timeout": "50ms"}},
	}).Unmarshal(cfg))
	require.NoError(t, cfg.(interface{ Validate() error }).Validate())
	exp, err := f.CreateTraces(t.Context(), exportertest.NewNopSettings(f.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), componenttest.NewNopHost()))
	once := &stopOnce{Traces: exp}
	t.Cleanup(func() { require.NoError(t, once.Shutdown(context.Background())) })
	return once
}

// stopOnce is an exporter that a test may stop before its end.
type stopOnce struct {
	exporter.Traces
	stopped bool
}

func (s *stopOnce) Shutdown(ctx context.Context) error {
	if s.stopped {
		return nil
	}
	s.stopped = true
	return s.Traces.Shutdown(ctx)
}

// startOurs starts the receiver and the exporter behind it, and returns where tracers send to.
func startOurs(t testing.TB, to *intake, mode string) string {
	t.Helper()
	return startReceiver(t, startExporter(t, to), mode)
}

// startReceiver starts the receiver in front of an exporter, and returns where tracers send to.
func startReceiver(t testing.TB, exp exporter.Traces, mode string) string {
	t.Helper()
	f := datadogreceiver.NewFactory()
	cfg := f.CreateDefaultConfig()
	endpoint := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"endpoint": endpoint, "translation": mode, "keep_encoding": true}).Unmarshal(cfg))
	var rcv component.Component
	rcv, err := f.CreateTraces(t.Context(), receivertest.NewNopSettings(f.Type()), cfg, exp)
	require.NoError(t, err)
	require.NoError(t, rcv.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, rcv.Shutdown(context.Background())) })
	url := "http://" + endpoint
	require.Eventually(t, func() bool {
		resp, err := http.Get(url + "/info")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	}, 60*time.Second, 20*time.Millisecond)
	return url
}
