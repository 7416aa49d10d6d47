package datadogrumreceiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
)

// rig is a receiver that listens on a free port, wired to sinks.
type rig struct {
	*rum
	t       *testing.T
	cfg     *Config
	traces  *consumertest.TracesSink
	logs    *consumertest.LogsSink
	metrics *consumertest.MetricsSink
	clock   *clock
	tel     *componenttest.Telemetry
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// testNow is when the captured batches arrive.
var testNow = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// newRig makes a receiver with the configuration edit leaves, and does not start it.
func newRig(t *testing.T, edit func(*Config)) *rig {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	if edit != nil {
		edit(cfg)
	}
	require.NoError(t, cfg.Validate())
	g := &rig{
		t: t, cfg: cfg, traces: new(consumertest.TracesSink), logs: new(consumertest.LogsSink), metrics: new(consumertest.MetricsSink),
		clock: &clock{at: testNow}, tel: componenttest.NewTelemetry(),
	}
	t.Cleanup(func() { _ = g.tel.Shutdown(t.Context()) })
	set := receivertest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	set.TelemetrySettings = g.tel.NewTelemetrySettings()
	g.create(set)
	return g
}

func (g *rig) create(set receiver.Settings) {
	g.t.Helper()
	factory := NewFactory()
	_, err := factory.CreateTraces(g.t.Context(), set, g.cfg, g.traces)
	require.NoError(g.t, err)
	_, err = factory.CreateLogs(g.t.Context(), set, g.cfg, g.logs)
	require.NoError(g.t, err)
	m, err := factory.CreateMetrics(g.t.Context(), set, g.cfg, g.metrics)
	require.NoError(g.t, err)
	g.rum = instance(m)
	g.rum.now = g.clock.now
}

// start listens and stops at the end of the test.
func (g *rig) start(host component.Host) *rig {
	g.t.Helper()
	if host == nil {
		host = componenttest.NewNopHost()
	}
	require.NoError(g.t, g.rum.Start(g.t.Context(), host))
	g.t.Cleanup(func() { _ = g.rum.Shutdown(g.t.Context()) })
	return g
}

// reply is an answer as the SDK sees it.
type reply struct {
	code   int
	text   string
	header http.Header
}

// send makes one request to the path, with headers in pairs.
func (g *rig) send(method, path, body string, header ...string) reply {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.rum.listener.addr.String()+path, strings.NewReader(body))
	require.NoError(g.t, err)
	req.Header.Set("User-Agent", "")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(g.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(g.t, err)
	return reply{resp.StatusCode, strings.TrimSpace(string(text)), resp.Header}
}

func (g *rig) post(body string) reply {
	g.t.Helper()
	return g.send(http.MethodPost, "/api/v2/rum?ddsource=browser&dd-api-key=pub1", body)
}

// flush hands on what is due after d.
func (g *rig) flush(d time.Duration) {
	g.t.Helper()
	g.clock.add(d)
	g.flushNow(session.Due)
}

func (g *rig) flushNow(mode session.Mode) {
	g.t.Helper()
	require.NoError(g.t, g.flusher.flush(g.t.Context(), g.clock.now(), mode))
}

// sizes is what is held, but for the keys remembered.
func (g *rig) sizes() session.Sizes {
	s := g.sessions.Sizes()
	s.Keys = 0
	return s
}

const metricPrefix = "otelcol_receiver_datadog_rum_"

// spans returns every span that reached the sink.
func (g *rig) spans() []ptrace.Span {
	var list []ptrace.Span
	for _, td := range g.traces.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					list = append(list, span)
				}
			}
		}
	}
	return list
}

// clientSpans counts the spans made from requests.
func (g *rig) clientSpans() (n int) {
	for _, span := range g.spans() {
		if span.Kind() == ptrace.SpanKindClient {
			n++
		}
	}
	return n
}

// records returns every log record that reached the sink.
func (g *rig) records() []plog.LogRecord {
	var list []plog.LogRecord
	for _, ld := range g.logs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					list = append(list, lr)
				}
			}
		}
	}
	return list
}

func (g *rig) recordNamed(name string) plog.LogRecord {
	g.t.Helper()
	for _, lr := range g.records() {
		if lr.EventName() == name {
			return lr
		}
	}
	require.Fail(g.t, "no record named "+name)
	return plog.NewLogRecord()
}

func joinLines(lines ...string) string {
	var b bytes.Buffer
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

// count adds up the counter called name over the attribute sets that hold the given pairs.
func (g *rig) count(t *testing.T, name string, pairs ...string) int64 {
	t.Helper()
	m, err := g.tel.GetMetric(metricPrefix + name)
	if err != nil {
		return 0
	}
	var sum int64
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		match := true
		for i := 0; i < len(pairs); i += 2 {
			v, _ := dp.Attributes.Value(attribute.Key(pairs[i]))
			match = match && v.AsString() == pairs[i+1]
		}
		if match {
			sum += dp.Value
		}
	}
	return sum
}

// checkingSink fails the test when what it gets could not be exported.
type checkingSink struct {
	t *testing.T
	consumertest.Consumer
}

func (s *checkingSink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *checkingSink) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	for _, rs := range td.ResourceSpans().All() {
		s.attributes(rs.Resource().Attributes())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				s.attributes(span.Attributes())
				require.False(s.t, span.TraceID().IsEmpty() || span.SpanID().IsEmpty())
				require.GreaterOrEqual(s.t, span.EndTimestamp(), span.StartTimestamp())
				require.True(s.t, utf8.ValidString(span.Name()))
			}
		}
	}
	return nil
}

func (s *checkingSink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	for _, rl := range ld.ResourceLogs().All() {
		s.attributes(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				s.attributes(lr.Attributes())
				require.NotEmpty(s.t, lr.EventName())
			}
		}
	}
	return nil
}

func (s *checkingSink) ConsumeMetrics(context.Context, pmetric.Metrics) error { return nil }

func (s *checkingSink) attributes(attrs pcommon.Map) {
	keys := map[string]bool{}
	for key, v := range attrs.All() {
		require.False(s.t, keys[key], "twice: %s", key)
		keys[key] = true
		require.True(s.t, utf8.ValidString(key) && utf8.ValidString(v.AsString()))
	}
}

// errConsumer is a logs pipeline that is busy.
type errConsumer struct{}

func (errConsumer) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (errConsumer) ConsumeLogs(context.Context, plog.Logs) error { return errors.New("busy") }

// busyTraces is a traces pipeline that is busy.
type busyTraces struct{}

func (busyTraces) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (busyTraces) ConsumeTraces(context.Context, ptrace.Traces) error { return errors.New("busy") }
