package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// Literals that no byte may hold that leaves, or that lies on disk.
var secrets = []string{"jane@example.com", "4111 1111 1111 1111", "4111111111111111", "hunter2", "123-45-6789"}

const (
	thinnedTraces = 100
	keptTraces    = 10 // by a tracer's rule
)

// playThinnedTraffic is a service whose tracer keeps a tenth of its traces, over Datadog's own protocol: two services in each chunk, SQL with literals, a card and a
// URL with a password. One trace was kept by hand and one rejected by hand. Each trace has a log line, over OTLP.
func playThinnedTraffic(t *testing.T, c *collector.Collector) {
	t.Helper()
	var chunks []any
	var records []string
	for i := range thinnedTraces + 2 {
		id := uint64(i + 1)
		metrics := map[string]any{"_sampling_priority_v1": 0, "_dd.rule_psr": 0.1}
		meta := map[string]any{"env": "prod", "_dd.p.dm": "-3", "_dd.p.ksr": "0.1", "card": "4111 1111 1111 1111", "http.url": "https://jane:hunter2@shop.example/cart?token=hunter2"}
		switch {
		case i < keptTraces:
			metrics["_sampling_priority_v1"] = 1
		case i == thinnedTraces:
			metrics, meta["_dd.p.dm"] = map[string]any{"_sampling_priority_v1": 2}, "-4"
		case i == thinnedTraces+1:
			metrics, meta["_dd.p.dm"] = map[string]any{"_sampling_priority_v1": -1}, "-4"
		}
		query := fmt.Sprintf("SELECT * FROM users WHERE email = 'jane@example.com' AND ssn = '123-45-6789' AND n = %d", 1_000_000+i)
		now := time.Now().UnixNano()
		chunks = append(chunks, []any{
			map[string]any{"service": "shop", "name": "web.request", "resource": "GET /cart", "type": "web", "trace_id": id, "span_id": id, "start": now, "duration": 1000, "meta": meta, "metrics": metrics},
			map[string]any{"service": "shop-db", "name": "postgres.query", "resource": query, "type": "sql", "trace_id": id, "span_id": id + 1000, "parent_id": id, "start": now, "duration": 500,
				"meta": map[string]any{"db.system": "postgresql", "db.statement": query, "span.kind": "client"}},
		})
		records = append(records, fmt.Sprintf(`{"body":{"stringValue":"cart shown"},"attributes":[{"key":"dd.trace_id","value":{"stringValue":"%d"}},{"key":"dd.span_id","value":{"stringValue":"%d"}},
			{"key":"dd.service","value":{"stringValue":"shop"}},{"key":"db.statement","value":{"stringValue":%q}},{"key":"db.system","value":{"stringValue":"postgresql"}}]}`, id, id, query))
	}
	body, err := json.Marshal(chunks)
	require.NoError(t, err)
	postJSON(t, "http://"+c.Datadog+"/v0.3/traces", body)
	postJSON(t, "http://"+c.OTLPHTTP+"/v1/logs", []byte(`{"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[`+strings.Join(records, ",")+`]}]}]}`))
}

func postJSON(t *testing.T, url string, body []byte) {
	t.Helper()
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, url)
}

// What the queue holds while no backend answers has been obfuscated: nothing raw is ever on disk.
func TestNothingRawIsOnDisk(t *testing.T) {
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/otlp.yaml"},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS=none"},
	})
	playThinnedTraffic(t, c)
	_, err := c.Terminate(30 * time.Second)
	require.NoError(t, err)
	stored := 0
	require.NoError(t, filepath.WalkDir(c.DataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		stored += bytes.Count(raw, []byte("GET /cart"))
		for _, secret := range secrets {
			require.NotContains(t, string(raw), secret, path)
		}
		return nil
	}))
	require.Positive(t, stored, "the queue's files can be read, and hold the spans")
}

// outcome is what reached a backend.
type outcome struct {
	traces []string // low halves of the ids, sorted
	names  []string // service, name and resource of every span, sorted
	marked int      // logs whose trace was left out
}

// Sampling, names and privacy are the same whether the collector that tracers talk to sends to the backend itself or to a gateway.
func TestOneAndTwoCollectorsSendTheSame(t *testing.T) {
	t.Parallel()
	direct := sink.Start(t)
	one := toSink(t, direct, "")
	playThinnedTraffic(t, one)

	behind := sink.Start(t)
	gateway := toSink(t, behind, "")
	agent := collector.Start(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/gateway.yaml"},
		Env:     []string{"OTELCOL_OBS_GATEWAY=localhost"},
		Overlay: fmt.Sprintf(`
exporters:
  load_balancing: {resolver: {dns: null, static: {hostnames: [%q]}}, sending_queue: {batch: {flush_timeout: 100ms}}}
  otlp_grpc/gateway: {endpoint: %q, sending_queue: {batch: {flush_timeout: 100ms}}}
`, gateway.OTLPGRPC, gateway.OTLPGRPC),
	})
	playThinnedTraffic(t, agent)

	want, got := arrived(t, direct), arrived(t, behind)
	require.Len(t, want.traces, keptTraces+1, "a tenth, and what was kept by hand")
	require.Equal(t, want.traces, got.traces)
	require.Equal(t, want.names, got.names)
	require.Equal(t, []string{
		"shop web.request GET /cart",
		"shop-db SELECT SELECT * FROM users WHERE email = ? AND ssn = ? AND n = ?",
	}, slices.Compact(slices.Clone(want.names)))
	// Through two collectors a log may come before its spans.
	require.Equal(t, thinnedTraces+1-keptTraces, want.marked)
	require.LessOrEqual(t, got.marked, want.marked)
}

func arrived(t *testing.T, backend *sink.Sink) (o outcome) {
	t.Helper()
	backend.WaitFor(t, "spans and logs", func() bool {
		return len(backend.Spans()) >= 2*(keptTraces+1) && len(backend.Logs()) >= thinnedTraces+2
	})
	var everything strings.Builder
	see := func(attrs pcommon.Map) { fmt.Fprintln(&everything, attrs.AsRaw()) }
	traces := map[string]bool{}
	for _, span := range backend.Spans() {
		traces[span.TraceID().String()] = true
		o.names = append(o.names, span.Service()+" "+span.Name()+" "+sink.Str(span.Attributes(), "resource.name"))
		require.Contains(t, span.TraceState().AsRaw()+"manual", map[bool]string{true: "manual", false: "ot=th:e6666666666668"}[sink.Str(span.Attributes(), "_dd.p.dm") != "-3"])
		see(span.Attributes())
		everything.WriteString(span.Name())
	}
	for id := range traces {
		o.traces = append(o.traces, id)
	}
	slices.Sort(o.traces)
	slices.Sort(o.names)
	for _, log := range backend.Logs() {
		see(log.Attributes())
		require.Equal(t, "shop", sink.Str(log.Resource, "service.name"))
		if v, ok := log.Attributes().Get("trace_sampled"); ok && !v.Bool() {
			o.marked++
		}
	}
	for _, secret := range secrets {
		require.NotContains(t, everything.String(), secret)
	}
	return o
}

// A sending queue cuts traces anywhere. Each piece gets the verdict of the whole, from a gateway that drops what nobody decided about and
// remembers nothing.
func TestAQueueMayCutATrace(t *testing.T) {
	t.Parallel()
	const traces, spans = 10, 60
	behind := sink.Start(t)
	gateway := toSink(t, behind, "processors: {dd_sampler: {undecided_rate: 0, memory: {ttl: 1ns}}}")
	agent := collector.Start(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/gateway.yaml"},
		Env:     []string{"OTELCOL_OBS_GATEWAY=localhost"},
		Overlay: fmt.Sprintf(`
exporters:
  load_balancing: {resolver: {dns: null, static: {hostnames: [%q]}}, sending_queue: {batch: {flush_timeout: 100ms, min_size: 1, max_size: 7}}}
  otlp_grpc/gateway: {endpoint: %q}
`, gateway.OTLPGRPC, gateway.OTLPGRPC),
	})
	var chunks []any
	for trace := range uint64(traces) {
		var chunk []any
		for i := range uint64(spans) {
			span := map[string]any{"service": "shop", "name": "work", "resource": "work", "trace_id": trace + 1, "span_id": 1000*trace + i + 1, "start": time.Now().UnixNano(), "duration": 1000}
			if i == 0 {
				// The first half was kept by a rate, the other dropped by it.
				span["meta"] = map[string]any{"_dd.p.dm": "-3", "_dd.p.ksr": "0.5"}
				span["metrics"] = map[string]any{"_sampling_priority_v1": 1 - trace/(traces/2)}
			} else {
				span["parent_id"] = 1000*trace + 1
			}
			chunk = append(chunk, span)
		}
		chunks = append(chunks, chunk)
	}
	body, err := json.Marshal(chunks)
	require.NoError(t, err)
	postJSON(t, "http://"+agent.Datadog+"/v0.3/traces", body)
	behind.WaitFor(t, "what was kept", func() bool { return len(behind.Spans()) >= traces/2*spans })
	for _, c := range []*collector.Collector{agent, gateway} {
		_, err := c.Terminate(30 * time.Second)
		require.NoError(t, err, "what is under way arrives")
	}
	ids := map[string]bool{}
	for _, span := range behind.Spans() {
		ids[span.SpanID().String()] = true
		require.LessOrEqual(t, span.TraceID()[15], byte(traces/2), "a trace that was dropped")
		require.Contains(t, span.TraceState().AsRaw(), "ot=th:8;")
	}
	require.Len(t, ids, traces/2*spans)
}
