package datadogreceiver

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
)

func TestEveryYAMLOfTheReadmeLoads(t *testing.T) {
	readmetest.Configs(t, "receivers", "datadog", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestWhatComesIsCounted(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	set := receivertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	traces, err := factory.CreateTraces(t.Context(), set, cfg, new(consumertest.TracesSink))
	require.NoError(t, err)
	_, err = factory.CreateMetrics(t.Context(), set, cfg, new(consumertest.MetricsSink))
	require.NoError(t, err)
	r := started(t, traces)

	r.send(t, http.MethodPost, "/v0.4/traces", []byte{0x91, 0x92, 0xc0, 0x80}, "Datadog-Client-Dropped-P0-Traces", "3", "Datadog-Client-Dropped-P0-Spans", "7")
	r.send(t, http.MethodPost, "/v0.4/traces", []byte("no payload"), "X-Datadog-Trace-Count", "5")
	r.send(t, http.MethodPost, "/v0.4/traces", []byte(`[[{"trace_id":1,"span_id":1,"meta":{"_dd.p.tid":"x"}}]]`))
	r.send(t, http.MethodPost, "/v0.6/stats", statsCapture(t))
	r.send(t, http.MethodPost, "/telemetry/proxy/api/v2/apmtelemetry", []byte("{}"))

	got := make(map[string]int64)
	var rm metricdata.ResourceMetrics
	require.NoError(t, tel.Reader.Collect(t.Context(), &rm))
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && strings.HasPrefix(m.Name, prefix) {
				for _, p := range sum.DataPoints {
					got[m.Name] += p.Value
				}
			}
		}
	}
	require.Equal(t, map[string]int64{
		prefix + "payloads": 4, prefix + "bytes": int64(4 + 10 + 55 + len(statsCapture(t))), prefix + "spans": 1, prefix + "stats_groups": 2,
		prefix + "dropped_p0_traces": 3, prefix + "dropped_p0_spans": 7, prefix + "refused_payloads": 2, prefix + "refused_traces": 5,
		prefix + "dropped_spans": 2, prefix + "unreadable_values": 1, prefix + "side_requests": 1,
	}, got)
}

const prefix = "otelcol_receiver_datadog_"

func statsCapture(t testing.TB) []byte {
	t.Helper()
	body, err := os.ReadFile("internal/stats/testdata/go-v0.6.bin")
	require.NoError(t, err)
	return body
}
