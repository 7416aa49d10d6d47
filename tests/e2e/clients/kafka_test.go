package clients

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
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
// own, with an export file to a backend, overlaid with overlay.
func fromKafka(t *testing.T, b *broker, name, export, backend, overlay string, examples ...string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: append([]string{"config/gateway.yaml", export, "config/examples/kafka-gateway.yaml"}, examples...),
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

// kafkaPair is two agents, a broker and two gateways, each with a backend.
type kafkaPair struct {
	here, elsewhere *otlp // agents on two nodes
	backends        [2]*sink.Sink
}

// newKafkaPair lays examples over the agents, and waits until every gateway
// reads the same partitions of spans and logs.
func newKafkaPair(t *testing.T, here, elsewhere []string, overlay string, gateway ...string) *kafkaPair {
	t.Helper()
	b := startBroker(t)
	p := new(kafkaPair)
	names := []string{"gateway-0", "gateway-1"}
	for i, name := range names {
		p.backends[i] = sink.Start(t)
		fromKafka(t, b, name, "config/export/otlp.yaml", p.backends[i].Endpoint,
			"exporters: {otlp_grpc: {sending_queue: {batch: {flush_timeout: 100ms}}}}", gateway...)
	}
	p.here = newOTLP(t, toKafka(t, b, overlay, here...).OTLPGRPC)
	p.elsewhere = newOTLP(t, toKafka(t, b, "", elsewhere...).OTLPGRPC)
	require.Equal(t, b.shares(t, "otelcol-obs-traces", names...), b.shares(t, "otelcol-obs-logs", names...))
	return p
}

// arrived waits until both backends together have so much.
func (p *kafkaPair) arrived(t *testing.T, what string, spans, logs int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return len(p.backends[0].Spans())+len(p.backends[1].Spans()) == spans &&
			len(p.backends[0].Logs())+len(p.backends[1].Logs()) == logs
	}, upWithin, 20*time.Millisecond, what)
}

const kafkaTraces = 100

// Two gateways read what two agents wrote. Of a hundred traces every span and
// every log meets in one of them: a full id's partition is the same in both
// topics, and the gateway that reads it too. A log with the low half alone
// waits on its node for the span that completes it.
func TestKafkaBringsATraceAndItsLogsToOneGateway(t *testing.T) {
	p := newKafkaPair(t, []string{"config/examples/rum_link-waiting.yaml"}, nil, "processors: {rum_link: {logs: {wait: 1m}}}")
	p.elsewhere.sendLogs(t, logsOf("early", withID), logsOf("early too", withID))
	p.arrived(t, "logs of another node, before their spans", 0, 2*kafkaTraces)
	p.here.sendLogs(t, logsOf("early, low half", withLowHalf))
	p.here.sendSpans(t)
	p.arrived(t, "the spans, and the logs that waited for them", kafkaTraces, 3*kafkaTraces)
	p.here.sendLogs(t, logsOf("late, low half", withLowHalf))
	p.elsewhere.sendLogs(t, logsOf("late", withID))
	p.arrived(t, "logs after their spans", kafkaTraces, 5*kafkaTraces)

	p.met(t, map[string]string{
		"early": "id", "early too": "id", "early, low half": "id64", "late, low half": "id64", "late": "span",
	}, "2", "3") // their own node knew of one, so two or more were counted where they met
}

// The same by the low half of the id, for logs that have no more and never pass
// the agent that knows it.
func TestKafkaBringsALowHalfToItsTrace(t *testing.T) {
	agents := []string{"config/examples/rum_link-scale-out-kafka.yaml"}
	p := newKafkaPair(t, agents, agents, "", "config/examples/rum_link-scale-out-kafka-gateway.yaml")
	p.elsewhere.sendLogs(t, logsOf("early", withID), logsOf("early, low half", withLowHalf))
	p.arrived(t, "logs before their spans", 0, 2*kafkaTraces)
	p.here.sendSpans(t)
	p.arrived(t, "the spans", kafkaTraces, 2*kafkaTraces)
	p.elsewhere.sendLogs(t, logsOf("late", withID), logsOf("late, low half", withLowHalf))
	p.arrived(t, "logs after their spans", kafkaTraces, 4*kafkaTraces)

	p.met(t, map[string]string{"early": "id", "early, low half": "", "late": "span", "late, low half": "id64"}, "2")
}

// met requires that every trace is in one backend with each of its logs, which
// say how they were linked, "" being not, and were counted.
func (p *kafkaPair) met(t *testing.T, methods map[string]string, counts ...string) {
	t.Helper()
	met := 0
	for _, backend := range p.backends {
		require.NotEmpty(t, backend.Spans(), "both gateways have work")
		spans := map[uint64]sink.Span{}
		logs := map[uint64][]string{}
		for _, s := range backend.Spans() {
			spans[lowHalf(s.TraceID())] = s
			require.Contains(t, counts, sink.Str(s.Attributes(), "log.count"))
			require.Empty(t, sink.Str(s.Attributes(), "rum_link.upper"))
		}
		for _, l := range backend.Logs() {
			body := l.Body().Str()
			span, here := spans[lowHalf(l.TraceID())]
			require.True(t, here, "%q met its trace", body)
			logs[lowHalf(l.TraceID())] = append(logs[lowHalf(l.TraceID())], body)
			require.Equal(t, methods[body], sink.Str(l.Attributes(), "trace_link.method"), body)
			require.Equal(t, fmt.Sprint(methods[body] != ""), sink.Str(l.Attributes(), "trace_linked"), body)
			require.Empty(t, sink.Str(l.Attributes(), "rum_link.upper"))
			if methods[body] != "" {
				require.Equal(t, span.TraceID(), l.TraceID(), body)
			}
			if methods[body] != "" && methods[body] != "id" {
				require.Equal(t, span.Name(), sink.Str(l.Attributes(), "span.name"), body)
			}
		}
		for trace, bodies := range logs {
			require.ElementsMatch(t, slices.Collect(maps.Keys(methods)), bodies, trace)
			id := spans[trace].TraceID()
			require.EqualValues(t, upperHalf, binary.BigEndian.Uint64(id[:8]), "both halves")
			met++
		}
	}
	require.Equal(t, kafkaTraces, met)
}

// traceOf and spanOf are the ids of the trace with a number, which has one span.
func traceOf(i int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], upperHalf)
	binary.BigEndian.PutUint64(id[8:], 0x9a3c5d7e00000000+uint64(i)*0x10001)
	return id
}

func spanOf(i int) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], 0xa000+uint64(i))
	return id
}

const upperHalf = 0x6720f3a800000000

func lowHalf(id pcommon.TraceID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

func (o *otlp) sendSpans(t *testing.T) {
	t.Helper()
	td := ptrace.NewTraces()
	for i := range kafkaTraces {
		s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(traceOf(i))
		s.SetSpanID(spanOf(i))
		s.SetName(fmt.Sprint("span ", i))
	}
	_, err := o.traces.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.NoError(t, err)
}

func (o *otlp) sendLogs(t *testing.T, all ...plog.Logs) {
	t.Helper()
	for _, ld := range all {
		_, err := o.logs.Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
		require.NoError(t, err)
	}
}

// logsOf is a log of each trace.
func logsOf(body string, ids func(plog.LogRecord, int)) plog.Logs {
	ld := plog.NewLogs()
	for i := range kafkaTraces {
		record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.SetTimestamp(1)
		record.Body().SetStr(body)
		ids(record, i)
	}
	return ld
}

func withID(record plog.LogRecord, i int) {
	record.SetTraceID(traceOf(i))
	record.SetSpanID(spanOf(i))
}

// withLowHalf is how a Datadog tracer leaves a log: the low half of the trace id
// and the span id, in decimal.
func withLowHalf(record plog.LogRecord, i int) {
	span := spanOf(i)
	record.Attributes().PutStr("dd.trace_id", fmt.Sprint(lowHalf(traceOf(i))))
	record.Attributes().PutStr("dd.span_id", fmt.Sprint(binary.BigEndian.Uint64(span[:])))
}
