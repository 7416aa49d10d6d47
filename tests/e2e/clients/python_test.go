package clients

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// Sanic traced by ddtrace, its structlog lines over Fluent forward: one trace,
// both lines under the span that wrote them, every digit kept.
func TestPythonSanicStructlogFluent(t *testing.T) {
	python := installed(t, "python/.venv/bin/python",
		"python3 -m venv tests/e2e/clients/python/.venv && tests/e2e/clients/python/.venv/bin/pip install -r tests/e2e/clients/python/requirements.txt")
	backend := sink.Start(t)
	c := toSink(t, backend, "")
	fluentHost, fluentPort := hostPort(t, c.Fluent)
	addr := collector.FreePorts(t, 1)[0]
	_, port := hostPort(t, addr)
	app := start(t, []string{
		"DD_TRACE_AGENT_URL=http://" + c.Datadog, "DD_SERVICE=profiles", "DD_ENV=e2e", "DD_VERSION=1.0.0",
		"DD_REMOTE_CONFIGURATION_ENABLED=false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false", "DD_LOGS_INJECTION=true",
	}, python, "python/app.py", port, fluentHost, fluentPort)

	var answer struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	require.NoError(t, json.Unmarshal(app.get(t, "http://"+addr+"/profile/u1"), &answer))

	var update, request *sink.Span
	backend.WaitFor(t, "the request's spans", func() bool {
		for _, span := range backend.Spans() {
			switch {
			case span.TraceID().String() != answer.TraceID:
			case span.Service() == "profiles-db":
				update = &span
			case span.ParentSpanID().IsEmpty():
				request = &span
			}
		}
		return update != nil && request != nil
	})
	require.Equal(t, "profiles", request.Service())
	require.Equal(t, "1.0.0", sink.Str(request.Resource, "service.version"))
	require.Equal(t, "e2e", sink.Str(request.Resource, "deployment.environment.name"))

	var lines []sink.Log
	backend.WaitFor(t, "the two log lines", func() bool {
		lines = nil
		for _, record := range backend.Logs() {
			if record.TraceID().String() == answer.TraceID {
				lines = append(lines, record)
			}
		}
		return len(lines) == 2
	})
	bodies := map[string]sink.Log{}
	for _, line := range lines {
		require.Equal(t, update.SpanID(), line.SpanID())
		bodies[line.Body().AsString()] = line
	}
	require.Equal(t, "u1", sink.Str(bodies["profile updated"].Attributes(), "user"))
	require.Equal(t, "9223372036854775833", sink.Str(bodies["replica is behind"].Attributes(), "lag_ms"))
	require.Equal(t, "2", sink.Str(update.Attributes(), "log.count"))
}
