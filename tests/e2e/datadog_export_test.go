package e2e

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"testing"
	"time"

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
