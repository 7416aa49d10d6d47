package clients

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// datadogIntake is where the RUM pass-through ends: it keeps what it gets.
type datadogIntake struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func newDatadogIntake(t *testing.T) *datadogIntake {
	t.Helper()
	in := new(datadogIntake)
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.requests, in.bodies = append(in.requests, r), append(in.bodies, string(body))
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(in.Server.Close)
	return in
}

// lines are the events of every body, decoded as Datadog would.
func (in *datadogIntake) lines(t *testing.T) (lines []string) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, body := range in.bodies {
		if in.requests[i].URL.Query().Get("dd-evp-encoding") == "deflate" {
			zr, err := zlib.NewReader(strings.NewReader(body))
			require.NoError(t, err)
			var out bytes.Buffer
			_, err = out.ReadFrom(zr)
			require.NoError(t, err)
			body = out.String()
		}
		lines = append(lines, strings.Split(body, "\n")...)
	}
	return lines
}

// A click in Chromium, with the RUM SDK and valtio in the page, a service
// traced by dd-trace behind it and its log over Fluent: one trace, from the
// click to the log line, and Datadog loses nothing.
func TestClickFetchServiceLog(t *testing.T) {
	installed(t, "browser/node_modules/playwright-core/package.json", "npm --prefix tests/e2e/clients/browser ci")
	node := nodeJS(t)
	browser := program(t, "chromium", "apt-get install --no-install-recommends chromium")
	datadog := newDatadogIntake(t)
	backend := sink.Start(t)
	ports := collector.FreePorts(t, 2)
	page, api := "http://"+ports[0], "http://"+ports[1]
	c := toSink(t, backend, fmt.Sprintf(`
receivers:
  datadog_rum:
    cors: {allowed_origins: [%q]}
    client_tokens:
      pub0123456789abcdef0123456789abcdef: {application_ids: [a0000000-0000-4000-8000-0000000000aa], tenant: shop}
    actions: {wait: 2s, deny: ["*.draft.Update"]}
    views: {settle: 1s, idle: 3s}
    storage: durable_storage
    datadog_passthrough: {enabled: true, endpoint: %q}
service:
  pipelines:
    traces: {receivers: [datadog, datadog_rum]}
    logs: {receivers: [fluent, datadog_rum]}
    metrics: {receivers: [datadog, datadog_rum]}
`, page, datadog.URL))

	fluentHost, fluentPort := hostPort(t, c.Fluent)
	_, apiPort := hostPort(t, ports[1])
	_, pagePort := hostPort(t, ports[0])
	service := start(t, []string{
		"DD_TRACE_AGENT_URL=http://" + c.Datadog, "DD_SERVICE=shop-api", "DD_ENV=e2e", "DD_VERSION=1.0.0",
		"DD_REMOTE_CONFIGURATION_ENABLED=false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
	}, node, "browser/service.js", apiPort, fluentHost, fluentPort)
	service.get(t, api+"/")
	start(t, nil, node, "browser/drive.js", pagePort, browser, t.TempDir(), "http://"+c.DatadogRUM+"/", api)

	var click, fetch, server, charge, effect *sink.Span
	backend.WaitFor(t, "the trace from the click to the service", func() bool {
		for _, span := range backend.Spans() {
			switch {
			case span.Name() == "click Pay now":
				click = &span
			case span.Service() == "shop-web" && strings.Contains(sink.Str(span.Attributes(), "url.full"), "/pay"):
				fetch = &span
			case span.Service() == "shop-api" && sink.Str(span.Attributes(), "resource.name") == "charge card":
				charge = &span
			case span.Name() == "custom Cart.total.Update":
				effect = &span
			}
		}
		for _, span := range backend.Spans() {
			if charge != nil && span.SpanID() == charge.ParentSpanID() {
				server = &span
			}
		}
		return click != nil && fetch != nil && server != nil && effect != nil
	})
	require.True(t, click.ParentSpanID().IsEmpty(), "the trace begins at the click")
	require.Equal(t, click.SpanID(), fetch.ParentSpanID())
	require.Equal(t, fetch.SpanID(), server.ParentSpanID(), "the id the SDK sent is the id the service named")
	for _, span := range []*sink.Span{fetch, server, charge, effect} {
		require.Equal(t, click.TraceID(), span.TraceID(), span.Name())
	}
	require.Equal(t, fetch.SpanID(), effect.ParentSpanID(), "what the answer changed is the fetch's effect")
	require.Equal(t, "effect", sink.Str(effect.Attributes(), "rum.action.role"))
	require.True(t, strings.HasSuffix(sink.Str(fetch.Attributes(), "url.full"), "/pay?card=REDACTED"))
	require.Equal(t, "user-42", sink.Str(fetch.Attributes(), "user.id"))
	require.Empty(t, sink.Str(fetch.Attributes(), "user.email"))
	require.Equal(t, "shop", sink.Str(fetch.Resource, "tenant.id"))
	require.NotEmpty(t, sink.Str(click.Attributes(), "session.id"))

	backend.WaitFor(t, "the service's log line", func() bool {
		for _, record := range backend.Logs() {
			if record.Body().AsString() == "card charged" || sink.Str(record.Attributes(), "message") == "card charged" {
				require.Equal(t, click.TraceID(), record.TraceID())
				require.Equal(t, charge.SpanID(), record.SpanID())
				return true
			}
		}
		return false
	})
	backend.WaitFor(t, "the view", func() bool {
		for _, record := range backend.Logs() {
			if record.EventName() == "rum.view" {
				return true
			}
		}
		return false
	})
	backend.WaitFor(t, "the action that began no request", func() bool {
		for _, span := range backend.Spans() {
			if span.Name() == "custom Cart.status.Update" {
				return true
			}
		}
		return false
	})
	requireWhole(t, backend, click.TraceID())

	sent := strings.Join(datadog.lines(t), "\n")
	for _, text := range []string{`"type":"view"`, `"type":"resource"`, `"Pay now"`, `"Cart.draft.Update"`, `ada@example.com`} {
		require.Contains(t, sent, text, "Datadog gets everything, also what is dropped or private on the OTLP side")
	}
	require.NotContains(t, sent, "Cart.isLoading.Update", "the page's own deny list")
	datadog.mu.Lock()
	defer datadog.mu.Unlock()
	for _, r := range datadog.requests {
		require.Empty(t, r.Header.Get("Cookie"), "a beacon carries the site's cookies; they stay here")
	}
	for _, span := range backend.Spans() {
		require.NotContains(t, span.Name(), "Cart.draft.Update", "the collector's deny list")
	}
}

// requireWhole fails when a span of the trace names a parent that never came.
func requireWhole(t *testing.T, backend *sink.Sink, trace pcommon.TraceID) {
	t.Helper()
	known := map[pcommon.SpanID]bool{{}: true}
	for _, span := range backend.Spans() {
		if span.TraceID() == trace {
			require.False(t, known[span.SpanID()], "%s came twice", span.Name())
			known[span.SpanID()] = true
		}
	}
	for _, span := range backend.Spans() {
		if span.TraceID() == trace {
			require.True(t, known[span.ParentSpanID()], "the parent of %s never came", span.Name())
		}
	}
}
