package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/ddintake"
)

// A tracer keeps a tenth of its traces: a tenth arrives at Datadog, and the
// statistics are of all.
func TestStatisticsAreOfAllSpansAndATenthOfTheTracesArrives(t *testing.T) {
	intake := ddintake.Start(t)
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/datadog.yaml"},
		Env:     []string{"DD_API_KEY=" + ddintake.APIKey, "DD_SITE=datadoghq.eu", "DD_HOSTNAME=e2e"},
		Overlay: datadogOverlay(intake.URL) + "connectors: {dd_stats: {bucket_interval: 2s}}\n",
	})
	const requests, batch = 1000, 50
	for first := 0; first < requests; first += batch {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "shop")
		rs.Resource().Attributes().PutStr("telemetry.sdk.name", "datadog")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for i := first; i < first+batch; i++ {
			s := spans.AppendEmpty()
			s.SetTraceID(pcommon.TraceID(binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i+1))))
			s.SetSpanID(pcommon.SpanID(binary.BigEndian.AppendUint64(nil, uint64(i+1))))
			s.SetKind(ptrace.SpanKindServer)
			s.SetName("GET /orders")
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			s.SetEndTimestamp(s.StartTimestamp() + 1e6)
			s.Attributes().PutStr("operation.name", "web.request")
			s.Attributes().PutStr("resource.name", "GET /orders")
			s.Attributes().PutStr("span.type", "web")
			s.Attributes().PutDouble("_dd.top_level", 1)
			s.Attributes().PutDouble("_sampling_priority_v1", 0)
			if i%10 == 0 {
				s.Attributes().PutDouble("_sampling_priority_v1", 1)
				s.Attributes().PutStr("_dd.p.dm", "-3")
			}
		}
		raw, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(t, err)
		resp, err := http.Post("http://"+c.OTLPHTTP+"/v1/traces", "application/x-protobuf", bytes.NewReader(raw))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	intake.WaitFor(t, "the statistics of all", func() bool { return intake.Hits()["shop"] >= requests })
	intake.WaitFor(t, "a tenth of the traces", func() bool { return len(intake.Spans()) >= requests/10 })
	require.Equal(t, map[string]uint64{"shop": requests}, intake.Hits())
	require.Len(t, intake.Spans(), requests/10)
	for _, span := range intake.Spans() {
		require.Equal(t, int32(1), span.Priority)
		require.Equal(t, "web.request", span.Name)
	}
}

// Tracers that count their spans themselves send them all the same: they are counted once, by the gateway behind their agent. The
// payload of these statistics has 2 MB, which nothing on its way cuts.
func TestSpansThatTracersCountTooAreCountedOnceBehindAnAgent(t *testing.T) {
	const requests, spansEach = 9, 100
	intake := ddintake.Start(t)
	gateway := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/datadog.yaml"},
		Env:     []string{"DD_API_KEY=" + ddintake.APIKey, "DD_SITE=datadoghq.eu", "DD_HOSTNAME=e2e"},
		Overlay: datadogOverlay(intake.URL) + "connectors: {dd_stats: {bucket_interval: 4s}}\n",
	})
	agent := collector.Start(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/gateway.yaml", "config/examples/datadog-behind-gateway.yaml"},
		Env:     []string{"OTELCOL_OBS_GATEWAY=localhost"},
		Overlay: fmt.Sprintf(`
exporters:
  load_balancing:
    resolver: {dns: null, static: {hostnames: [%[1]q]}}
    sending_queue: {batch: {flush_timeout: 100ms, min_size: 100, max_size: 100}}
  otlp_grpc/gateway: {endpoint: %[1]q, sending_queue: {batch: {flush_timeout: 100ms}}}
`, gateway.OTLPGRPC),
	})
	var large atomic.Bool
	intake.Be(func(path string, size int) ddintake.Answer {
		if path == "/api/v0.2/stats" && size > 2e6 {
			large.Store(true)
		}
		return ddintake.Answer{}
	})
	post := func(path string, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+agent.Datadog+path, bytes.NewReader(body))
		require.NoError(t, err)
		for k, v := range map[string]string{
			"Content-Type": "application/msgpack", "Datadog-Meta-Lang": "go", "Datadog-Client-Computed-Stats": "t", "Datadog-Client-Computed-Top-Level": "t",
		} {
			req.Header.Set(k, v)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
	}
	began := time.Now().UnixNano()
	id := uint64(0)
	for range requests {
		var traces pb.Traces
		for range spansEach {
			id++
			traces = append(traces, pb.Trace{{
				Service: "shop", Name: "web.request", Resource: fmt.Sprint("GET /", id, "/", strings.Repeat("x", 2500)), Type: "web", TraceID: id, SpanID: id,
				Start: began, Duration: 1e6, Metrics: map[string]float64{"_dd.top_level": 1, "_sampling_priority_v1": 1}, Meta: map[string]string{"span.kind": "server"},
			}})
		}
		body, err := traces.MarshalMsg(nil)
		require.NoError(t, err)
		post("/v0.4/traces", body)
	}
	counted, err := (&pb.ClientStatsPayload{Lang: "go", Stats: []*pb.ClientStatsBucket{{Start: uint64(began), Duration: 1e10, Stats: []*pb.ClientGroupedStats{
		{Service: "shop", Name: "web.request", Resource: "GET /", Hits: requests * spansEach, TopLevelHits: requests * spansEach, Duration: 1},
	}}}}).MarshalMsg(nil)
	require.NoError(t, err)
	post("/v0.6/stats", counted)

	intake.WaitFor(t, "the statistics of all", func() bool { return intake.Hits()["shop"] >= requests*spansEach })
	require.Equal(t, map[string]uint64{"shop": requests * spansEach}, intake.Hits())
	intake.WaitFor(t, "all spans", func() bool { return len(intake.Spans()) >= requests*spansEach })
	require.Eventually(t, func() bool { return strings.Contains(gateway.Scrape(), `otelcol_receiver_accepted_metric_points`) }, time.Minute, 50*time.Millisecond, "what the tracer counted")
	for _, name := range intake.Metrics() {
		require.NotContains(t, name, "datadog.trace.", "they are in the statistics")
	}
	require.True(t, large.Load(), "a payload of 2 MB")
}
