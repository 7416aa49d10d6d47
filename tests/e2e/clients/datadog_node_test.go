package clients

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// runNodeTracer lets dd-trace make traces and flush after each. It returns their ids and the errors the tracer logged.
func runNodeTracer(t *testing.T, url, protocol string, traces int) (ids, errors []string) {
	t.Helper()
	installed(t, "node/node_modules/dd-trace/package.json", "npm --prefix tests/e2e/clients/node ci")
	p := start(t, []string{"DD_TRACE_AGENT_URL=" + url, "DD_TRACE_AGENT_PROTOCOL_VERSION=" + protocol, "DD_TRACE_DEBUG=true", "DD_TRACE_LOG_LEVEL=error"}, nodeJS(t), "node/tracer.js", strconv.Itoa(traces))
	select {
	case err := <-p.done:
		p.done <- err
		require.NoError(t, err)
	case <-time.After(upWithin):
		t.Fatalf("tracer.js did not end within %s", upWithin)
	}
	for line := range strings.Lines(p.output()) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "trace: "); ok {
			ids = append(ids, id)
		} else if line != "" {
			errors = append(errors, line)
		}
	}
	require.Len(t, ids, traces)
	return ids, errors
}

// dd-trace-js in both protocol versions and over both listeners: 100 flushes log no error, and the spans that arrive are the spans that were made.
func TestDatadogNodeTracer(t *testing.T) {
	const flushes = 100
	for _, tc := range []struct{ protocol, listener string }{{"0.4", "tcp"}, {"0.5", "tcp"}, {"0.4", "unix"}, {"0.5", "unix"}} {
		t.Run("v"+tc.protocol+" over "+tc.listener, func(t *testing.T) {
			backend := sink.Start(t)
			socket := filepath.Join(t.TempDir(), "apm.socket")
			c := toSink(t, backend, fmt.Sprintf("receivers: {datadog: {unix_socket: {path: %q}}}", socket))
			url := "http://" + c.Datadog
			if tc.listener == "unix" {
				url = "unix://" + socket
			}
			ids, errors := runNodeTracer(t, url, tc.protocol, flushes+20)
			require.Empty(t, errors)

			payloads := regexp.MustCompile(fmt.Sprintf(`otelcol_receiver_datadog_payloads(?:_total)?\{[^}]*protocol="v%s"[^}]*\} (\d+)`, tc.protocol)).FindStringSubmatch(c.Scrape())
			require.NotNil(t, payloads)
			n, err := strconv.Atoi(payloads[1])
			require.NoError(t, err)
			require.GreaterOrEqual(t, n, flushes)

			backend.WaitFor(t, "all spans", func() bool { return len(backend.Spans()) == 2*len(ids) })
			spans := map[string]sink.Span{}
			for _, span := range backend.Spans() {
				if span.TraceID().String() == ids[0] {
					spans[span.Service()] = span
				}
			}
			checkNodeSpans(t, spans["shop"], spans["shop-pg"])
		})
	}
}

func checkNodeSpans(t *testing.T, server, query sink.Span) {
	t.Helper()
	require.Equal(t, "GET /api/order", server.Name())
	require.Equal(t, ptrace.SpanKindServer, server.Kind())
	require.Equal(t, int64(200), server.Attributes().AsRaw()["http.response.status_code"])
	require.Equal(t, "prod", sink.Str(server.Resource, "deployment.environment.name"))
	require.Equal(t, "nodejs", sink.Str(server.Resource, "telemetry.sdk.language"))

	require.Equal(t, server.SpanID(), query.ParentSpanID())
	require.Equal(t, "SELECT d", query.Name())
	require.Equal(t, "boom", query.Status().Message())
	attrs := query.Attributes().AsRaw()
	require.Equal(t, "postgresql", attrs["db.system.name"])
	require.Equal(t, 3.0, attrs["n"])
	require.Equal(t, 1, query.Links().Len())
	require.Equal(t, server.TraceID(), query.Links().At(0).TraceID())
	require.Equal(t, server.SpanID(), query.Links().At(0).SpanID())
	require.Equal(t, 2, query.Events().Len())
	event := query.Events().At(0)
	require.Equal(t, "ev", event.Name())
	require.Equal(t, time.UnixMilli(1_800_000_000_000).UTC(), event.Timestamp().AsTime())
	require.Equal(t, map[string]any{"k": "v", "n": int64(1), "d": 1.5, "b": true, "arr": []any{"x", "y"}}, event.Attributes().AsRaw())
}

// The test above can fail: the answer other receivers give makes the tracer log an error at every flush.
func TestDatadogNodeTracerMindsTheAnswer(t *testing.T) {
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "{}")
	}))
	defer agent.Close()
	_, errors := runNodeTracer(t, agent.URL, "0.4", 3)
	require.NotEmpty(t, errors)
}
