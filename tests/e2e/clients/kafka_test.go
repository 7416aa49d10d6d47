package clients

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

// toKafka runs the shipped agent that writes to Kafka, with examples, overlaid
// with overlay.
func toKafka(t *testing.T, b *broker, overlay string, examples ...string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: append([]string{"config/agent.yaml", "config/export/kafka.yaml"}, examples...),
		Env:     []string{"KAFKA_BROKERS=" + b.addr},
		Overlay: "exporters: {kafka: {sending_queue: {batch: {flush_timeout: 100ms}}}}\n" + overlay,
	})
}

// fromKafka runs the shipped gateway that reads from Kafka, under a name of its
// own, with an export file to a backend.
func fromKafka(t *testing.T, b *broker, name, export, backend, overlay string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", export, "config/examples/kafka-gateway.yaml"},
		Env: []string{
			"KAFKA_BROKERS=" + b.addr, "K8S_POD_NAME=" + name,
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend, "OTEL_EXPORTER_OTLP_HEADERS=none",
		},
		Overlay: overlay,
	})
}

// otlp sends to a collector.
type otlp struct {
	traces ptraceotlp.GRPCClient
	logs   plogotlp.GRPCClient
	conn   *grpc.ClientConn
}

func newOTLP(t *testing.T, addr string) *otlp {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &otlp{traces: ptraceotlp.NewGRPCClient(conn), logs: plogotlp.NewGRPCClient(conn), conn: conn}
}

// Two gateways read what two agents wrote. Of a hundred traces every span and
// every log meets in one of them: a full id's partition is the same in both
// topics, and the gateway that reads it too. A log with the low half alone
// waits on its node for the span that completes it.
func TestKafkaBringsATraceAndItsLogsToOneGateway(t *testing.T) {
	const traces = 100
	b := startBroker(t)
	backends := []*sink.Sink{sink.Start(t), sink.Start(t)}
	names := []string{"gateway-0", "gateway-1"}
	for i, name := range names {
		fromKafka(t, b, name, "config/export/otlp.yaml", backends[i].Endpoint,
			"exporters: {otlp_grpc: {sending_queue: {batch: {flush_timeout: 100ms}}}}")
	}
	node := toKafka(t, b, "processors: {rum_link: {logs: {wait: 1m}}}", "config/examples/rum_link-waiting.yaml")
	other := toKafka(t, b, "")
	require.Equal(t, b.shares(t, "otelcol-obs-traces", names...), b.shares(t, "otelcol-obs-logs", names...))

	here, elsewhere := newOTLP(t, node.OTLPGRPC), newOTLP(t, other.OTLPGRPC)
	send := func(to *otlp, ld plog.Logs) {
		t.Helper()
		_, err := to.logs.Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
		require.NoError(t, err)
	}
	arrived := func(what string, spans, logs int) {
		t.Helper()
		require.Eventually(t, func() bool {
			return len(backends[0].Spans())+len(backends[1].Spans()) == spans && len(backends[0].Logs())+len(backends[1].Logs()) == logs
		}, upWithin, 20*time.Millisecond, what)
	}

	td := ptrace.NewTraces()
	var early, earlyLow, late, lateLow = plog.NewLogs(), plog.NewLogs(), plog.NewLogs(), plog.NewLogs()
	for i := range traces {
		trace, span := kafkaTrace(i), pcommon.SpanID(binary.BigEndian.AppendUint64(nil, 0xa000+uint64(i)))
		s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(trace)
		s.SetSpanID(span)
		s.SetName(fmt.Sprint("span ", i))
		withID(early, "early", trace, span)
		withID(early, "early too", trace, span)
		withLowHalf(earlyLow, "early, low half", trace, span)
		withID(late, "late", trace, span)
		withLowHalf(lateLow, "late, low half", trace, span)
	}
	send(elsewhere, early)
	arrived("logs of another node, before their spans", 0, 2*traces)
	send(here, earlyLow)
	_, err := here.traces.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.NoError(t, err)
	arrived("the spans, and the logs that waited for them", traces, 3*traces)
	send(here, lateLow)
	send(elsewhere, late)
	arrived("logs after their spans", traces, 5*traces)

	met := 0
	for _, backend := range backends {
		require.NotEmpty(t, backend.Spans(), "both gateways have work")
		name := map[pcommon.TraceID]string{}
		logs := map[pcommon.TraceID][]string{}
		for _, s := range backend.Spans() {
			name[s.TraceID()] = s.Name()
			// Its node knew of one, so two or more were counted where they met.
			require.Contains(t, []string{"2", "3"}, sink.Str(s.Attributes(), "log.count"))
		}
		for _, l := range backend.Logs() {
			require.Contains(t, name, l.TraceID(), "%q met its trace", l.Body().Str())
			logs[l.TraceID()] = append(logs[l.TraceID()], l.Body().Str())
			if strings.HasPrefix(l.Body().Str(), "early") && !strings.HasSuffix(l.Body().Str(), "low half") {
				continue // not linked, but counted
			}
			method := map[string]string{"early, low half": "id64", "late, low half": "id64", "late": "span"}[l.Body().Str()]
			require.Equal(t, "true", sink.Str(l.Attributes(), "trace_linked"), l.Body().Str())
			require.Equal(t, method, sink.Str(l.Attributes(), "trace_link.method"), l.Body().Str())
			require.Equal(t, name[l.TraceID()], sink.Str(l.Attributes(), "span.name"), l.Body().Str())
		}
		for trace, bodies := range logs {
			require.ElementsMatch(t, []string{"early", "early too", "early, low half", "late", "late, low half"}, bodies, trace)
			met++
		}
	}
	require.Equal(t, traces, met)
}

func kafkaTrace(i int) pcommon.TraceID {
	return pcommon.TraceID(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 0x6720f3a800000000), 0x9a3c5d7e00000000+uint64(i)*0x10001))
}

func withID(ld plog.Logs, body string, trace pcommon.TraceID, span pcommon.SpanID) {
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(1)
	record.Body().SetStr(body)
	record.SetTraceID(trace)
	record.SetSpanID(span)
}

// withLowHalf is a log as a Datadog tracer leaves it: the low half of the trace
// id and the span id, in decimal.
func withLowHalf(ld plog.Logs, body string, trace pcommon.TraceID, span pcommon.SpanID) {
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(1)
	record.Body().SetStr(body)
	record.Attributes().PutStr("dd.trace_id", fmt.Sprint(binary.BigEndian.Uint64(trace[8:])))
	record.Attributes().PutStr("dd.span_id", fmt.Sprint(binary.BigEndian.Uint64(span[:])))
}
