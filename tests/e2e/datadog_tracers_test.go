package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// dd-trace-go, live, in both protocol versions and over both listeners: the span that arrives is the span that was made.
func TestDatadogGoTracer(t *testing.T) {
	for _, protocol := range []string{"0.4", "1.0"} {
		for _, listener := range []string{"tcp", "unix"} {
			t.Run("v"+protocol+" over "+listener, func(t *testing.T) {
				backend := sink.Start(t)
				socket := filepath.Join(t.TempDir(), "apm.socket")
				c := toSink(t, backend, fmt.Sprintf("receivers: {datadog: {unix_socket: {path: %q}}}", socket))
				where := tracer.WithAgentAddr(c.Datadog)
				if listener == "unix" {
					where = tracer.WithUDS(socket)
				}
				t.Setenv("DD_TRACE_AGENT_PROTOCOL_VERSION", protocol)
				traceID := runGoTracer(t, where, func() {})

				spans := map[string]sink.Span{}
				backend.WaitFor(t, "both spans", func() bool {
					for _, span := range backend.Spans() {
						if span.TraceID().String() == traceID {
							spans[span.Service()] = span
						}
					}
					return len(spans) == 2
				})
				checkServer(t, spans["shop"])
				checkQuery(t, spans["shop-pg"], spans["shop"].SpanID())
				require.Contains(t, c.Scrape(), fmt.Sprintf(`protocol="v%s"`, protocol))
			})
		}
	}
}

// runGoTracer makes one trace of two spans, sends it and returns its id. It
// stops the tracer after arrived: dd-trace-go sends in the background, and what
// it sends after the stop no longer says that its statistics are computed.
func runGoTracer(t *testing.T, where tracer.StartOption, arrived func()) string {
	t.Helper()
	require.NoError(t, tracer.Start(where, tracer.WithService("shop"), tracer.WithEnv("prod"), tracer.WithServiceVersion("1.2.3"),
		tracer.WithLogStartup(false)))
	defer tracer.Stop()
	server := tracer.StartSpan("http.request", tracer.ResourceName("GET /api/order"), tracer.SpanType(ext.SpanTypeWeb),
		tracer.Tag(ext.SpanKind, ext.SpanKindServer), tracer.Tag(ext.HTTPMethod, "GET"), tracer.Tag(ext.HTTPCode, "500"))
	query := server.StartChild("postgresql.query", tracer.ResourceName("SELECT 1"), tracer.SpanType(ext.SpanTypeSQL),
		tracer.Tag(ext.SpanKind, ext.SpanKindClient), tracer.ServiceName("shop-pg"), tracer.Tag("n", 3), tracer.Tag("text", "caf\xe9"))
	query.AddLink(tracer.SpanLink{TraceID: 7, TraceIDHigh: 9, SpanID: 5, Attributes: map[string]string{"a": `quo"ted`}, Tracestate: "dd=s:1", Flags: 1})
	query.AddEvent("ev", tracer.WithSpanEventTimestamp(time.Unix(1_800_000_000, 0)),
		tracer.WithSpanEventAttributes(map[string]any{"k": "v", "n": 1, "d": 1.5, "b": true, "arr": []string{"x", "y"}}))
	query.Finish(tracer.WithError(errors.New("boom")))
	server.Finish()
	tracer.Flush()
	arrived()
	return server.Context().TraceID()
}

func checkServer(t *testing.T, span sink.Span) {
	t.Helper()
	require.Equal(t, "GET /api/order", span.Name())
	require.Equal(t, ptrace.SpanKindServer, span.Kind())
	require.Equal(t, ptrace.StatusCodeUnset, span.Status().Code())
	require.True(t, span.ParentSpanID().IsEmpty())
	attrs := span.Attributes().AsRaw()
	require.Equal(t, int64(500), attrs["http.response.status_code"])
	require.Equal(t, "GET", attrs["http.request.method"])
	require.Equal(t, "http.request", attrs["operation.name"])
	require.Equal(t, "web", attrs["span.type"])
	require.Equal(t, 1.0, attrs["_sampling_priority_v1"])
	require.Equal(t, "prod", sink.Str(span.Resource, "deployment.environment.name"))
	require.Equal(t, "1.2.3", sink.Str(span.Resource, "service.version"))
	require.Equal(t, "go", sink.Str(span.Resource, "telemetry.sdk.language"))
	require.Equal(t, "v2.12.0", sink.Str(span.Resource, "telemetry.sdk.version"))
}

func checkQuery(t *testing.T, span sink.Span, parent pcommon.SpanID) {
	t.Helper()
	require.Equal(t, parent, span.ParentSpanID())
	require.Equal(t, "SELECT", span.Name())
	require.Equal(t, ptrace.StatusCodeError, span.Status().Code())
	require.Equal(t, "boom", span.Status().Message())
	attrs := span.Attributes().AsRaw()
	require.Equal(t, "SELECT ?", attrs["resource.name"])
	require.Equal(t, "SELECT ?", attrs["db.query.text"])
	require.Equal(t, 3.0, attrs["n"])
	require.Equal(t, "caf\uFFFD", attrs["text"])
	require.Equal(t, "*errors.errorString", attrs["error.type"])

	require.Equal(t, 1, span.Links().Len(), "sent twice, natively and as JSON")
	link := span.Links().At(0)
	require.Equal(t, strings.Repeat("0", 15)+"9"+strings.Repeat("0", 15)+"7", link.TraceID().String())
	require.Equal(t, map[string]any{"a": `quo"ted`}, link.Attributes().AsRaw())
	require.Equal(t, "dd=s:1", link.TraceState().AsRaw())

	require.Equal(t, 2, span.Events().Len())
	event := span.Events().At(0)
	require.Equal(t, "ev", event.Name())
	require.Equal(t, time.Unix(1_800_000_000, 0).UTC(), event.Timestamp().AsTime())
	require.Equal(t, map[string]any{"k": "v", "n": int64(1), "d": 1.5, "b": true, "arr": []any{"x", "y"}}, event.Attributes().AsRaw())
	require.Equal(t, "exception", span.Events().At(1).Name())
}

// A tracer that is allowed to drops unsampled traces and sends statistics, which arrive as metrics.
func TestDatadogGoTracerStatistics(t *testing.T) {
	backend := sink.Start(t)
	c := toSink(t, backend, "receivers: {datadog: {client_drop_p0s: true}}")
	runGoTracer(t, tracer.WithAgentAddr(c.Datadog), func() {
		backend.WaitFor(t, "both spans", func() bool { return len(backend.Spans()) == 2 })
	})
	backend.WaitFor(t, "statistics of both services", func() bool {
		hits := int64(0)
		for _, m := range backend.Metrics() {
			if m.Name() == "datadog.trace.hits" {
				for _, p := range m.Sum().DataPoints().All() {
					hits += p.IntValue()
				}
			}
		}
		return hits == 2
	})
	for _, span := range backend.Spans() {
		require.Equal(t, "true", sink.Str(span.Resource, "_dd.stats_computed"))
	}
}
