package datadogreceiver

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"google.golang.org/protobuf/proto"
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
