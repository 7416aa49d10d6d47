package e2e

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// Behind one agent there are two gateways, each with a backend of its own. Of a
// hundred traces, every span and every log meets in one of them, whether the
// log has the full id or only the low half, and came before or after its span.
func TestRumLinkScalesOutOverTwoGateways(t *testing.T) {
	const traces = 100
	backends := []*sink.Sink{sink.Start(t), sink.Start(t)}
	var gateways []string
	for _, backend := range backends {
		gateways = append(gateways, fmt.Sprintf("%q", withExample(t, backend, "rum_link-scale-out-gateway.yaml").OTLPGRPC))
	}
	agent := collector.Start(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/gateway.yaml", "config/examples/rum_link-scale-out.yaml"},
		Env:     []string{"OTELCOL_OBS_GATEWAY=localhost"},
		Overlay: `
exporters:
  load_balancing:
    resolver: {dns: null, static: {hostnames: [` + strings.Join(gateways, ", ") + `]}}
    sending_queue: {batch: {flush_timeout: 100ms}}
`,
	})
	conn, err := grpc.NewClient(agent.OTLPGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	send := func(ld plog.Logs) {
		_, err := plogotlp.NewGRPCClient(conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
		require.NoError(t, err)
	}
	logs := func() (n int) { return len(backends[0].Logs()) + len(backends[1].Logs()) }
	arrived := func(want int) func() bool { return func() bool { return logs() >= want } }

	trace := func(i int) pcommon.TraceID { return fullID(0x6720f3a800000000, 0x9a3c5d7e00000000+uint64(i)*0x10001) }
	span := func(i int) uint64 { return 0xa000 + uint64(i) }

	before, after := plog.NewLogs(), plog.NewLogs()
	td := ptrace.NewTraces()
	for i := range traces {
		addDecimalLog(before, trace(i), span(i), "low half, before")
		addSpan(td, trace(i), span(i), fmt.Sprint("span ", i))
		addDecimalLog(after, trace(i), span(i), "low half, after")
		addFullLog(after, trace(i), span(i), "full id, after")
	}
	send(before)
	both(t, "the logs before their spans", arrived(traces))
	_, err = ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.NoError(t, err)
	both(t, "the spans", func() bool { return len(backends[0].Spans())+len(backends[1].Spans()) >= traces })
	send(after)
	both(t, "the logs after their spans", arrived(3*traces))

	met := map[pcommon.TraceID]int{}
	for _, backend := range backends {
		require.NotEmpty(t, backend.Spans(), "both gateways have work")
		here := map[pcommon.TraceID]string{}
		for _, s := range backend.Spans() {
			here[s.TraceID()] = s.Name()
			require.Equal(t, "1", sink.Str(s.Attributes(), "log.count"), "the log before it")
			require.Empty(t, sink.Str(s.Attributes(), "rum_link.route"))
		}
		for _, l := range backend.Logs() {
			id := l.TraceID()
			if l.Body().Str() == "low half, before" {
				id = fullID(0x6720f3a800000000, binary.BigEndian.Uint64(id[8:]))
				require.Contains(t, here, id)
				continue
			}
			require.Equal(t, here[id], sink.Str(l.Attributes(), "span.name"), l.Body().Str())
			method := map[string]string{"low half, after": "id64", "full id, after": "span"}[l.Body().Str()]
			require.Equal(t, method, sink.Str(l.Attributes(), "trace_link.method"))
			require.Empty(t, sink.Str(l.Attributes(), "rum_link.route"))
			met[id]++
		}
	}
	require.Len(t, met, traces)
	for id, n := range met {
		require.Equal(t, 2, n, "logs of %s", id)
	}
}

// addDecimalLog is a log as a Datadog tracer leaves it: the low half of the
// trace id and the span id, in decimal, as attributes.
func addDecimalLog(ld plog.Logs, trace pcommon.TraceID, span uint64, body string) {
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.Body().SetStr(body)
	lr.SetTimestamp(1)
	lr.Attributes().PutStr("dd.trace_id", fmt.Sprint(binary.BigEndian.Uint64(trace[8:])))
	lr.Attributes().PutStr("dd.span_id", fmt.Sprint(span))
}

func addFullLog(ld plog.Logs, trace pcommon.TraceID, span uint64, body string) {
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.Body().SetStr(body)
	lr.SetTimestamp(1)
	lr.SetTraceID(trace)
	var id pcommon.SpanID
	binary.BigEndian.PutUint64(id[:], span)
	lr.SetSpanID(id)
}

// both waits for what several backends together must have.
func both(t *testing.T, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 30*time.Second, 10*time.Millisecond, what)
}
