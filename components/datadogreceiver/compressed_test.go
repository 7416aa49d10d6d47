package datadogreceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
)

func zipped(t *testing.T, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// What a Datadog agent sends to its intake.
func TestAgentPayload(t *testing.T) {
	sink := new(consumertest.TracesSink)
	r := run(t, sink)
	body, err := proto.Marshal(&pb.AgentPayload{HostName: "node-1", Env: "prod", Tags: map[string]string{"team": "a"}, TracerPayloads: []*pb.TracerPayload{
		{LanguageName: "java", Chunks: []*pb.TraceChunk{{Priority: 1, Spans: []*pb.Span{{Service: "s", Name: "n", TraceID: 1, SpanID: 2, Start: 1_800_000_000_000_000_000}}}}},
		{LanguageName: "go", Hostname: "node-2", Env: "test", Chunks: []*pb.TraceChunk{{Priority: -128, Spans: []*pb.Span{{Service: "s", Name: "n", TraceID: 3, SpanID: 4, Start: 1_800_000_000_000_000_000}}}}},
	}})
	require.NoError(t, err)
	resp, _ := r.send(t, http.MethodPost, "/api/v0.2/traces", zipped(t, body), "Content-Encoding", "gzip", "Content-Type", "application/x-protobuf")
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	td := sink.AllTraces()[0]
	require.Equal(t, 2, td.ResourceSpans().Len(), "two tracers are two resources, though all else is the same")
	for i, want := range []map[string]any{
		{"host.name": "node-1", "deployment.environment.name": "prod", "telemetry.sdk.language": "java", "team": "a"},
		{"host.name": "node-2", "deployment.environment.name": "test", "telemetry.sdk.language": "go", "team": "a"},
	} {
		got := td.ResourceSpans().At(i).Resource().Attributes().AsRaw()
		for key, value := range want {
			require.Equal(t, value, got[key], key)
		}
	}
	first, ok := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get("_sampling_priority_v1")
	require.True(t, ok)
	require.Equal(t, 1.0, first.Double())
}

func TestABombIsTooLarge(t *testing.T) {
	r := run(t, new(consumertest.TracesSink), func(c *Config) { c.MaxRequestBodySize = 1 << 20 })
	resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", zipped(t, make([]byte, 8<<20)), "Content-Encoding", "gzip")
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	resp, _ = r.send(t, http.MethodPost, "/v0.4/traces", []byte("no gzip"), "Content-Encoding", "gzip")
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

// Refused before the request reaches an endpoint. A Java tracer would ask for /info again without the state.
func TestEarlyRefusalsAreToldAndCounted(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.WithoutCancel(t.Context()))) }()
	set := receivertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	traces, err := factory.CreateTraces(t.Context(), set, cfg, new(consumertest.TracesSink))
	require.NoError(t, err)
	r := started(t, traces)
	for _, tc := range []struct {
		header, value string
		status        int
	}{
		{"Content-Encoding", "gzip", http.StatusBadRequest},
		{"Content-Encoding", "rot13", http.StatusBadRequest},
		{"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
	} {
		resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", []byte("x"), tc.header, tc.value, "X-Datadog-Trace-Count", "2")
		require.Equal(t, tc.status, resp.StatusCode, tc.value)
		require.Len(t, resp.Header.Get("Datadog-Agent-State"), 64, tc.value)
	}
	got, err := tel.GetMetric(prefix + "refused_traces")
	require.NoError(t, err)
	counted := make(map[string]int64)
	for _, p := range got.Data.(metricdata.Sum[int64]).DataPoints {
		reason, _ := p.Attributes.Value("reason")
		protocol, _ := p.Attributes.Value("protocol")
		counted[protocol.AsString()+" "+reason.AsString()] = p.Value
	}
	require.Equal(t, map[string]int64{"v0.4 decompress": 4, "v0.4 cross_site": 2}, counted)
}
