package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// What goes wrong in a shop in Chromium is seen where it went wrong: errors in
// the trace of their click, whether it began a request or not, a dead request as
// an error, one that the page gave up as none, and a click that changes the page
// in one trace with what it began.
func TestWhatGoesWrongInAShop(t *testing.T) {
	installed(t, "browser/node_modules/playwright-core/package.json", "npm --prefix tests/e2e/clients/browser ci")
	node := nodeJS(t)
	browser := program(t, "chromium", "apt-get install --no-install-recommends chromium")
	backend := sink.Start(t)
	ports := collector.FreePorts(t, 3)
	page, api, dead := "http://"+ports[0], "http://"+ports[1], "http://"+ports[2]
	maps := t.TempDir()
	scripts := filepath.Join(maps, "shop-web", "1.0.0")
	require.NoError(t, os.MkdirAll(scripts, 0o755))
	c := toSink(t, backend, fmt.Sprintf(`
receivers:
  datadog_rum:
    cors: {allowed_origins: [%q]}
    actions: {wait: 2s, missing: 4s}
    views: {settle: 1s, idle: 3s, coalesce: 1s}
    source_maps: {directory: %q}
service:
  pipelines:
    traces: {receivers: [datadog, datadog_rum]}
    logs: {receivers: [fluent, datadog_rum]}
    metrics: {receivers: [datadog, datadog_rum]}
`, page, maps))
	fluentHost, fluentPort := hostPort(t, c.Fluent)
	_, apiPort := hostPort(t, ports[1])
	_, pagePort := hostPort(t, ports[0])
	service := start(t, []string{
		"DD_TRACE_AGENT_URL=http://" + c.Datadog, "DD_SERVICE=shop-api", "DD_ENV=e2e", "DD_VERSION=1.0.0",
		"DD_REMOTE_CONFIGURATION_ENABLED=false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
	}, node, "browser/service.js", apiPort, fluentHost, fluentPort)
	service.get(t, api+"/")
	start(t, nil, node, "browser/drive-shop.js", pagePort, browser, t.TempDir(), "http://"+c.DatadogRUM+"/", api, dead, scripts)

	s := &shop{backend}
	backend.WaitFor(t, "all that went wrong", func() bool {
		for _, click := range []string{"Buy", "Throw", "Dead", "Abort", "Details"} {
			if s.span("click "+click) == nil {
				return false
			}
		}
		return s.request("/details") != nil && s.request("/slow") != nil && s.request("/stock") != nil && s.span("browser.document_load") != nil &&
			len(s.exceptions()) >= 3 && len(s.timings("/gone")) >= 1 && len(s.timings("/picture.gif")) >= 1
	})
	t.Log("what an OTLP backend sees:\n" + s.tree())
	golden, err := os.ReadFile("testdata/shop.txt")
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("instead of testdata/shop.txt:\n" + s.story())
		}
	})
	backend.WaitFor(t, "the traces of testdata/shop.txt", func() bool { return s.story() == string(golden) })

	for _, lr := range s.exceptions() {
		in := s.at(lr.TraceID(), lr.SpanID())
		require.NotNil(t, in, "%s is in no trace", lr.Body().Str())
		want := map[string]string{"no stock of socks": "click Buy", "no stock of hats": "click Throw", "no stock of gloves": "browser.document_load"}[sink.Str(lr.Attributes(), "exception.message")]
		require.Equal(t, want, in.Name(), lr.Body().Str())
		stack := sink.Str(lr.Attributes(), "exception.stacktrace")
		require.Regexp(t, `at checkStock .*shop\.js:\d+:\d+`, stack, "the stack is that of the source")
		require.NotContains(t, stack, "bundle.js")
		require.Contains(t, sink.Str(lr.Attributes(), "rum.exception.stacktrace_minified"), "bundle.js")
		if strings.HasPrefix(want, "click") {
			require.Equal(t, ptrace.StatusCodeError, in.Status().Code(), want)
		}
	}
	stock := s.request("/stock")
	require.True(t, stock.ParentSpanID().IsEmpty(), "the server knows its trace: it cannot become the page's")
	require.Equal(t, s.span("browser.document_load").TraceID(), stock.Links().At(0).TraceID())
	for _, lr := range s.timings("/gone") {
		require.Equal(t, plog.SeverityNumberError, lr.SeverityNumber(), "a request that never reached its server is not healthy")
		require.Equal(t, "network_error", sink.Str(lr.Attributes(), "error.type"))
		require.Equal(t, s.span("click Dead").SpanID(), lr.SpanID())
	}
	slow := s.request("/slow")
	require.NotEqual(t, ptrace.StatusCodeError, slow.Status().Code(), "what the page gave up is no error")
	require.Equal(t, s.span("click Abort").SpanID(), slow.ParentSpanID())
	aborted, _ := slow.Attributes().Get("rum.resource.aborted")
	require.True(t, aborted.Bool())

	details := s.request("/details")
	require.Equal(t, s.span("click Details").TraceID(), details.TraceID(), "a click that changes the page is in one trace with what it began")
	require.Equal(t, s.at(details.TraceID(), details.ParentSpanID()).Name(), "click Details")

	load := s.span("browser.document_load")
	require.NotZero(t, load.Events().Len())
	for _, lr := range s.timings("/picture.gif") {
		require.Equal(t, load.SpanID(), lr.SpanID(), "what the page loads belongs to its load")
	}
	for _, span := range backend.Spans() {
		if sink.Str(span.Resource, "telemetry.sdk.name") == "datadog-rum" {
			require.Equal(t, "Headless Chrome", sink.Str(span.Resource, "user_agent.name"), span.Name())
			require.Equal(t, "Linux", sink.Str(span.Resource, "os.name"), span.Name())
		}
	}
}

// shop is what a backend got of the shop.
type shop struct{ *sink.Sink }

func (s *shop) find(is func(sink.Span) bool) *sink.Span {
	for _, span := range s.Spans() {
		if is(span) {
			return &span
		}
	}
	return nil
}

func (s *shop) span(name string) *sink.Span {
	return s.find(func(span sink.Span) bool { return span.Name() == name })
}

func (s *shop) at(trace pcommon.TraceID, id pcommon.SpanID) *sink.Span {
	return s.find(func(span sink.Span) bool { return span.TraceID() == trace && span.SpanID() == id })
}

// request is the page's span of a request for the path.
func (s *shop) request(path string) *sink.Span {
	return s.find(func(span sink.Span) bool {
		return span.Service() == "shop-web" && span.Kind() == ptrace.SpanKindClient && strings.Contains(sink.Str(span.Attributes(), "url.full"), path)
	})
}

func (s *shop) exceptions() (list []sink.Log) {
	for _, lr := range s.Logs() {
		if lr.EventName() == "exception" {
			list = append(list, lr)
		}
	}
	return list
}

// timings are the records of requests for the path.
func (s *shop) timings(path string) (list []sink.Log) {
	for _, lr := range s.Logs() {
		if lr.EventName() == "browser.resource_timing" && strings.Contains(sink.Str(lr.Attributes(), "url.full"), path) {
			list = append(list, lr)
		}
	}
	return list
}

// story prints the traces that begin in the page, in the order in which they do,
// with what went wrong in them: what is the same each time.
func (s *shop) story() string {
	type item struct {
		at    pcommon.Timestamp
		text  string
		below string // whose parent it is, "" of a record
	}
	key := func(trace pcommon.TraceID, span pcommon.SpanID) string { return trace.String() + span.String() }
	children := map[string][]item{}
	for _, span := range s.Spans() {
		if span.Name() == "tcp.connect" {
			continue // the service's first log line connects
		}
		parent := ""
		if !span.ParentSpanID().IsEmpty() {
			parent = key(span.TraceID(), span.ParentSpanID())
		} else if span.Service() != "shop-web" {
			continue // preflights and what no page asked for
		}
		children[parent] = append(children[parent], item{span.StartTimestamp(), s.line(span), key(span.TraceID(), span.SpanID())})
	}
	for _, lr := range s.Logs() {
		text := lr.Body().AsString()
		switch {
		case lr.SeverityNumber() >= plog.SeverityNumberError:
			text = "[ERROR] " + hosts.ReplaceAllString(text, "…")
		case lr.EventName() != "":
			continue
		}
		parent := key(lr.TraceID(), lr.SpanID())
		children[parent] = append(children[parent], item{at: lr.Timestamp(), text: text})
	}
	var out strings.Builder
	var write func(of, indent string)
	write = func(of, indent string) {
		items := children[of]
		sort.SliceStable(items, func(i, j int) bool { return items[i].at < items[j].at })
		for _, one := range items {
			out.WriteString(indent + one.text + "\n")
			if one.below != "" {
				write(one.below, indent+"  ")
			}
		}
	}
	write("", "")
	return out.String()
}

var hosts = regexp.MustCompile(`http://[^/ ]*`)

// line is what a story says of a span.
func (s *shop) line(span sink.Span) string {
	parts := []string{span.Name()}
	if url := sink.Str(span.Attributes(), "url.full"); url != "" {
		parts[0] += " " + hosts.ReplaceAllString(url, "…")
	}
	if span.Status().Code() == ptrace.StatusCodeError {
		parts = append(parts, "Error")
	}
	if aborted, ok := span.Attributes().Get("rum.resource.aborted"); ok && aborted.Bool() {
		parts = append(parts, "rum.resource.aborted")
	}
	for _, link := range span.Links().All() {
		if to := s.at(link.TraceID(), link.SpanID()); to != nil {
			parts = append(parts, "linked with "+to.Name())
		}
	}
	return strings.Join(parts, "   ")
}

// tree prints every trace with its records.
func (s *shop) tree() string {
	children := map[string][]string{}
	key := func(trace pcommon.TraceID, span pcommon.SpanID) string { return trace.String() + span.String() }
	text := map[string]string{}
	var roots []string
	for _, span := range s.Spans() {
		id := key(span.TraceID(), span.SpanID())
		text[id] = fmt.Sprintf("%s  %s %s", span.Name(), sink.Str(span.Attributes(), "url.full"), span.Status().Code())
		if span.ParentSpanID().IsEmpty() {
			roots = append(roots, id)
		} else {
			parent := key(span.TraceID(), span.ParentSpanID())
			children[parent] = append(children[parent], id)
		}
	}
	for i, lr := range s.Logs() {
		id := fmt.Sprint("log ", i)
		text[id] = fmt.Sprintf("[%s] %s %s", lr.SeverityText(), lr.EventName(), lr.Body().AsString())
		parent := key(lr.TraceID(), lr.SpanID())
		children[parent] = append(children[parent], id)
	}
	sort.SliceStable(roots, func(i, j int) bool { return text[roots[i]] < text[roots[j]] })
	var out strings.Builder
	var write func(id, indent string)
	write = func(id, indent string) {
		out.WriteString(indent + text[id] + "\n")
		for _, child := range children[id] {
			write(child, indent+"  ")
		}
	}
	for _, root := range roots {
		write(root, "")
	}
	return out.String()
}
