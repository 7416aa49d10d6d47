package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/fluent/fluent-logger-golang/fluent"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// withExample runs the gateway with an OTLP backend, one file of config/examples
// and what the test lays over it.
func withExample(t *testing.T, backend *sink.Sink, example string, overlay ...string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: []string{
			"config/gateway.yaml", "config/export/otlp.yaml", "config/examples/" + example, "tests/e2e/testdata/flush-otlp.yaml",
		},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.Endpoint, "OTEL_EXPORTER_OTLP_HEADERS=x-test=1"},
		Overlay: strings.Join(overlay, "\n"),
	})
}

func startTracer(t *testing.T, c *collector.Collector, service string) {
	t.Helper()
	require.NoError(t, tracer.Start(tracer.WithAgentAddr(c.Datadog), tracer.WithService(service), tracer.WithLogStartup(false)))
	t.Cleanup(tracer.Stop)
}

// jsonLines sends JSON log lines as Fluentd does, and waits for each to be acknowledged.
func jsonLines(t *testing.T, addr string) func(line map[string]any) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	client, err := fluent.New(fluent.Config{FluentHost: host, FluentPort: n, RequestAck: true, SubSecondPrecision: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return func(line map[string]any) {
		t.Helper()
		raw, err := json.Marshal(line)
		require.NoError(t, err)
		require.NoError(t, client.PostWithTime("app", time.Now(), map[string]string{"log": string(raw)}))
	}
}

// numbers are the ids of a span as xmtpd's logger writes them: two unsigned
// 64-bit numbers, of the trace id the low half.
func numbers(span *tracer.Span, event string) map[string]any {
	id := span.Context().TraceIDBytes()
	return map[string]any{
		"event": event, "level": "info",
		"dd.trace_id": binary.BigEndian.Uint64(id[8:]), "dd.span_id": span.Context().SpanID(),
	}
}

func logNamed(backend *sink.Sink, body string) (found sink.Log, ok bool) {
	for _, l := range backend.Logs() {
		if l.Body().AsString() == body {
			return l, true
		}
	}
	return found, false
}

func waitForLog(t *testing.T, backend *sink.Sink, body string) (found sink.Log) {
	t.Helper()
	backend.WaitFor(t, "the log "+body, func() (ok bool) {
		found, ok = logNamed(backend, body)
		return ok
	})
	return found
}

func waitForSpan(t *testing.T, backend *sink.Sink, is func(sink.Span) bool) (found sink.Span) {
	t.Helper()
	backend.WaitFor(t, "the span", func() bool {
		for _, span := range backend.Spans() {
			if is(span) {
				found = span
				return true
			}
		}
		return false
	})
	return found
}

func withID(span *tracer.Span) func(sink.Span) bool {
	id := span.Context().SpanID()
	return func(s sink.Span) bool { return spanNumber(s.SpanID()) == id }
}

// xmtpd publishes in one trace and works in another 8 seconds later; staged_id is
// all they share. Its logs carry the ids as two unsigned numbers.
func TestRumLinkLinksAWorkerToItsPublisher(t *testing.T) {
	backend := sink.Start(t)
	c := withExample(t, backend, "rum_link-xmtpd.yaml")
	startTracer(t, c, "xmtpd")
	line := jsonLines(t, c.Fluent)

	work := time.Now()
	request := tracer.StartSpan("grpc.server", tracer.StartTime(work.Add(-8*time.Second)))
	publish := tracer.StartSpan("xmtpd.node.stage_transaction", tracer.ChildOf(request.Context()), //nolint:staticcheck // a remote parent has no StartChild
		tracer.Tag("staged_id", 7_000_001), tracer.StartTime(work.Add(-8*time.Second+time.Millisecond)))
	publish.Finish(tracer.FinishTime(work.Add(-8*time.Second + 2*time.Millisecond)))
	request.Finish(tracer.FinishTime(work.Add(-8*time.Second + 3*time.Millisecond)))
	tracer.Flush()
	published := waitForSpan(t, backend, withID(publish))
	require.Empty(t, sink.Str(published.Attributes(), "trace_linked"), "only a root is asked what caused it")

	worker := tracer.StartSpan("xmtpd.publish_worker.process", tracer.Tag("staged_id", 7_000_001))
	line(numbers(worker, "worker begins"))
	begins := waitForLog(t, backend, "worker begins")
	require.Equal(t, "false", sink.Str(begins.Attributes(), "trace_linked"), "half an id, and its span stays open for longer than a log waits")
	require.Equal(t, "not_found", sink.Str(begins.Attributes(), "trace_link.miss_reason"))
	worker.Finish()
	lost := tracer.StartSpan("xmtpd.publish_worker.process", tracer.Tag("staged_id", 7_000_002))
	lost.Finish()
	tracer.Flush()

	worked := waitForSpan(t, backend, withID(worker))
	require.NotEqual(t, published.TraceID(), worked.TraceID())
	require.True(t, worked.ParentSpanID().IsEmpty(), "a link, never a new parent")
	require.Equal(t, 1, worked.Links().Len())
	require.Equal(t, published.TraceID(), worked.Links().At(0).TraceID())
	require.Equal(t, published.SpanID(), worked.Links().At(0).SpanID())
	require.GreaterOrEqual(t, worked.StartTimestamp().AsTime().Sub(published.EndTimestamp().AsTime()), 7*time.Second)
	require.Equal(t, "true", sink.Str(worked.Attributes(), "trace_linked"))
	require.Equal(t, "1", sink.Str(worked.Attributes(), "log.count"))

	alone := waitForSpan(t, backend, withID(lost))
	require.Zero(t, alone.Links().Len())
	require.Equal(t, "false", sink.Str(alone.Attributes(), "trace_linked"))
	require.Equal(t, "not_found", sink.Str(alone.Attributes(), "trace_link.miss_reason"))

	line(numbers(worker, "worker is done"))
	done := waitForLog(t, backend, "worker is done")
	require.Equal(t, worked.TraceID(), done.TraceID(), "all 128 bits")
	require.Equal(t, worked.SpanID(), done.SpanID())
	require.Equal(t, "id64", sink.Str(done.Attributes(), "trace_link.method"))
	require.Equal(t, worked.Name(), sink.Str(done.Attributes(), "span.name"))
}

// A Sanic service writes JSON logs while its span is open; with waiting they
// leave with the full id and the name of the span that came after them.
func TestRumLinkALogWaitsForItsSpan(t *testing.T) {
	backend := sink.Start(t)
	c := withExample(t, backend, "rum_link-waiting.yaml", `processors: {rum_link: {logs: {wait: 1m}}}`)
	startTracer(t, c, "sanic-backend")
	line := jsonLines(t, c.Fluent)

	span := tracer.StartSpan("user.profile.update")
	line(numbers(span, "profile updated"))
	failed := numbers(span, "analytics not told")
	failed["level"] = "error"
	line(failed)
	line(map[string]any{"event": "has no id", "level": "info"})
	require.Equal(t, "no_id", sink.Str(waitForLog(t, backend, "has no id").Attributes(), "trace_link.miss_reason"))
	_, early := logNamed(backend, "profile updated")
	require.False(t, early, "it has not waited")
	span.Finish()
	tracer.Flush()

	arrived := waitForSpan(t, backend, withID(span))
	updated := waitForLog(t, backend, "profile updated")
	require.Equal(t, arrived.TraceID(), updated.TraceID())
	require.Equal(t, arrived.Name(), sink.Str(updated.Attributes(), "span.name"))
	require.Equal(t, "id64", sink.Str(updated.Attributes(), "trace_link.method"))
	require.Equal(t, "2", sink.Str(arrived.Attributes(), "log.count"))
	require.Equal(t, "1", sink.Str(arrived.Attributes(), "log.count.error"))
	require.Equal(t, "true", sink.Str(arrived.Attributes(), "log.has_errors"))
	require.Equal(t, 1, arrived.Events().Len(), "the error, and not the other line")
	require.Equal(t, "analytics not told", sink.Str(arrived.Events().At(0).Attributes(), "log.body"))
}

// A log that waits is on disk: kill -9 takes the process and not the log.
func TestRumLinkAWaitingLogSurvivesAKill(t *testing.T) {
	backend := sink.Start(t)
	c := withExample(t, backend, "rum_link-waiting.yaml", `processors: {rum_link: {logs: {wait: 5m}}}`)
	line := jsonLines(t, c.Fluent)
	const trace, span = 0x9a3c5d7e1f204b66, 0xa1
	for i := range 50 {
		line(map[string]any{"event": fmt.Sprint("line ", i), "level": "info", "dd.trace_id": uint64(trace), "dd.span_id": uint64(span)})
	}
	c.Kill()
	require.Empty(t, backend.Logs())
	c.Run()
	conn, err := grpc.NewClient(c.OTLPGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	td := ptrace.NewTraces()
	addSpan(td, fullID(0x6720f3a800000000, trace), span, "GET /")
	_, err = ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.NoError(t, err)
	backend.WaitFor(t, "all 50 lines", func() bool { return len(backend.Logs()) >= 50 })
	seen := map[string]bool{}
	for _, l := range backend.Logs() {
		seen[l.Body().AsString()] = true
		require.Equal(t, fullID(0x6720f3a800000000, trace), l.TraceID())
		require.Equal(t, "GET /", sink.Str(l.Attributes(), "span.name"))
	}
	require.Len(t, seen, 50)
	require.Len(t, backend.Logs(), 50)
}

func fullID(hi, lo uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id
}

func addSpan(td ptrace.Traces, trace pcommon.TraceID, id uint64, name string) {
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(trace)
	var sid pcommon.SpanID
	binary.BigEndian.PutUint64(sid[:], id)
	s.SetSpanID(sid)
	s.SetName(name)
}
