package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/story"
)

// chartConfig is the configuration the Helm chart makes for one component, from
// its rendered example (which the chart's own tests hold to the templates),
// changed where it names Kubernetes.
func chartConfig(t *testing.T, example, component string, change func(cfg map[string]any)) string {
	t.Helper()
	rendered, err := os.ReadFile(filepath.Join(collector.Root(), "deploy/helm/otelcol-obs/examples", example, "rendered.yaml"))
	require.NoError(t, err)
	for doc := range strings.SplitSeq(string(rendered), "\n---\n") {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
			Data     map[string]string
		}
		require.NoError(t, yaml.Unmarshal([]byte(doc), &object))
		if object.Kind != "ConfigMap" || object.Metadata.Name != "obs-otelcol-obs-"+component {
			continue
		}
		var cfg map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(object.Data["config.yaml"]), &cfg))
		change(cfg)
		text, err := yaml.Marshal(cfg)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), component+".yaml")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		return file
	}
	require.Fail(t, "no such ConfigMap", component)
	return ""
}

func below(t *testing.T, cfg map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, key := range path {
		child, ok := cfg[key].(map[string]any)
		require.True(t, ok, "no %s in %v", key, path)
		cfg = child
	}
	return cfg
}

// flushSoon shortens how long queues gather, which is 5 s as shipped.
func flushSoon(t *testing.T, cfg map[string]any, exporters ...string) {
	t.Helper()
	for _, id := range exporters {
		below(t, cfg, "exporters", id, "sending_queue", "batch")["flush_timeout"] = "100ms"
		below(t, cfg, "exporters", id, "retry_on_failure")["max_interval"] = "1s"
	}
}

// chartGateway runs the chart's gateway in front of an OTLP backend.
func chartGateway(t *testing.T, backend *sink.Sink) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: []string{chartConfig(t, "otlp", "gateway", func(cfg map[string]any) { flushSoon(t, cfg, "otlp_grpc") })},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.Endpoint, "OTEL_EXPORTER_OTLP_HEADERS=none"},
	})
}

// chartAgent is the chart's agent, not started yet, with the one gateway.
func chartAgent(t *testing.T, gateway *collector.Collector, change func(cfg map[string]any)) *collector.Collector {
	t.Helper()
	return collector.New(t, collector.Options{
		Configs: []string{chartConfig(t, "otlp", "agent", func(cfg map[string]any) {
			below(t, cfg, "exporters", "load_balancing")["resolver"] = map[string]any{
				"static": map[string]any{"hostnames": []string{gateway.OTLPGRPC}},
			}
			below(t, cfg, "exporters", "otlp_grpc/gateway")["endpoint"] = gateway.OTLPGRPC
			change(cfg)
		})},
	})
}

// allArrived says whether every span and log of these orders is there; a kill
// may send some twice.
func allArrived(backend *sink.Sink, ids []string) bool {
	spans, logs := map[string]map[string]bool{}, map[string]map[string]bool{}
	keep := func(to map[string]map[string]bool, trace, item string) {
		if to[trace] == nil {
			to[trace] = map[string]bool{}
		}
		to[trace][item] = true
	}
	for _, s := range backend.Spans() {
		keep(spans, s.TraceID().String(), s.SpanID().String())
	}
	for _, l := range backend.Logs() {
		keep(logs, l.TraceID().String(), l.Body().AsString())
	}
	return !slices.ContainsFunc(ids, func(id string) bool { return len(spans[id]) < 6 || len(logs[id]) < 4 })
}

// An agent's pod that is deleted takes its emptyDir along. As long as a gateway
// takes data, that costs nothing: what the queue still gathers leaves first.
func TestChartsAgentHandsOnWhatItGathersWhenItStops(t *testing.T) {
	backend := sink.Start(t)
	agent := chartAgent(t, chartGateway(t, backend), func(map[string]any) {}) // gathers for 5 s, as shipped
	agent.Run()
	id, err := story.Play(t.Context(), endpoints(agent))
	require.NoError(t, err)
	took, err := agent.Terminate(30 * time.Second)
	require.NoError(t, err)
	t.Logf("ended in %s", took)
	backend.WaitFor(t, "the order", func() bool { return allArrived(backend, []string{id}) })
}

// The chart's agent and its gateway as two processes, with dd-trace-go, the
// OpenTelemetry SDK and Fluent forward in front. The gateway is killed with
// SIGKILL while orders go through: what the agent acknowledged arrives.
func TestChartLosesNothingWhenItsGatewayIsKilled(t *testing.T) {
	backend := sink.Start(t)
	gateway := chartGateway(t, backend)
	agent := chartAgent(t, gateway, func(cfg map[string]any) { flushSoon(t, cfg, "load_balancing", "otlp_grpc/gateway") })
	agent.Run()

	// What `helm test` sends with the image's second program.
	span := exec.Command("go", "run", "./tools/sendspan", "http://"+agent.OTLPHTTP)
	span.Dir = collector.Root()
	said, err := span.CombinedOutput()
	require.NoError(t, err, string(said))

	var (
		ids    []string
		played atomic.Int32
		wg     sync.WaitGroup
		enough = make(chan struct{})
	)
	wg.Go(func() {
		for {
			select {
			case <-enough:
				return
			default:
			}
			id, err := story.Play(context.WithoutCancel(t.Context()), endpoints(agent))
			if err != nil {
				t.Errorf("order %d: %v", played.Load(), err)
				return
			}
			ids = append(ids, id)
			played.Add(1)
		}
	})
	stop := sync.OnceFunc(func() { close(enough); wg.Wait() })
	t.Cleanup(stop) // also when a wait below gives up
	for range 3 {
		awaitOrders(t, &played, played.Load()+2)
		gateway.Kill()
		awaitOrders(t, &played, played.Load()+2) // some while it is down
		gateway.Run()
	}
	stop()
	t.Logf("%d orders, 3 kills", len(ids))

	backend.WaitFor(t, "every span and log of every order", func() bool {
		probe := slices.ContainsFunc(backend.Spans(), func(s sink.Span) bool { return strings.Contains(string(said), s.TraceID().String()) })
		return probe && allArrived(backend, ids)
	})
}

func awaitOrders(t *testing.T, played *atomic.Int32, n int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); played.Load() < n; {
		select {
		case <-tick.C:
			require.False(t, t.Failed(), "an order failed")
		case <-ctx.Done():
			require.Fail(t, "orders do not go through", "%d of %d", played.Load(), n)
		}
	}
}

// A RUM event arrives at any gateway and goes on to the one of its trace: here
// the same one, through its OTLP port.
func TestChartHandsRUMToTheGatewayOfItsTrace(t *testing.T) {
	backend := sink.Start(t)
	port := collector.FreePorts(t, 1)[0]
	gateway := collector.Start(t, collector.Options{
		Configs: []string{chartConfig(t, "rum", "gateway", func(cfg map[string]any) {
			flushSoon(t, cfg, "load_balancing")
			below(t, cfg, "exporters", "load_balancing")["resolver"] = map[string]any{"static": map[string]any{"hostnames": []string{port}}}
			below(t, cfg, "exporters", "otlp_grpc/gateway")["endpoint"] = port
			// The backend of the test speaks OTLP.
			otlp := map[string]any{"compression": "gzip"}
			for _, signal := range []string{"traces", "logs", "metrics"} {
				otlp[signal+"_endpoint"] = backend.HTTPEndpoint + "/v1/" + signal
			}
			below(t, cfg, "exporters")["otlp_http"] = otlp
			for name := range below(t, cfg, "service", "pipelines") {
				pipeline := below(t, cfg, "service", "pipelines", name)
				if exporters, _ := pipeline["exporters"].([]any); slices.Contains(exporters, "datadog_intake") {
					pipeline["exporters"] = []string{"otlp_http"}
				}
			}
			cfg["receivers"].(map[string]any)["otlp/balanced"] = map[string]any{"protocols": map[string]any{"grpc": map[string]any{"endpoint": port}}}
			for _, signal := range []string{"traces", "logs", "metrics"} {
				below(t, cfg, "service", "pipelines", signal)["receivers"] = []string{"otlp/balanced"}
			}
		})},
		Env: []string{"DD_API_KEY=0123456789abcdef0123456789abcdef", "DD_SITE=datadoghq.test", "OTELCOL_OBS_GATEWAY=gateway.test"},
	})
	event := fmt.Sprintf(`{"_dd":{"format_version":2,"trace_id":"1234567890123456789","span_id":"987654321"},"type":"resource","date":%d,`+
		`"application":{"id":"a0000000-0000-4000-8000-0000000000aa"},"session":{"id":"5e000000-0000-4000-8000-0000000000aa","type":"user"},`+
		`"view":{"id":"de000000-0000-4000-8000-000000000001","url":"https://shop.example/cart"},"source":"browser","service":"web",`+
		`"resource":{"id":"4e000000-0000-4000-8000-000000000001","type":"fetch","method":"POST","url":"https://shop.example/pay","status_code":200,"duration":120000000}}`,
		time.Now().UnixMilli())
	resp, err := http.Post("http://"+gateway.DatadogRUM+"/rum?ddforward=%2Fapi%2Fv2%2Frum%3Fddsource%3Dbrowser%26dd-api-key%3Dpub1", "text/plain", strings.NewReader(event))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	backend.WaitFor(t, "the request as a span", func() bool {
		return slices.ContainsFunc(backend.Spans(), func(s sink.Span) bool {
			return strings.HasSuffix(s.TraceID().String(), "112210f47de98115") // 1234567890123456789
		})
	})
}

// Each metric the chart's alerts ask for is one the collector has, under that
// name: all of them are brought about here.
func TestChartAlertsAskForMetricsThatExist(t *testing.T) {
	rendered, err := os.ReadFile(filepath.Join(collector.Root(), "deploy/helm/otelcol-obs/examples/rum/rendered.yaml"))
	require.NoError(t, err)
	_, rules, ok := strings.Cut(string(rendered), "kind: PrometheusRule")
	require.True(t, ok)
	rules, _, _ = strings.Cut(rules, "\n---\n")
	wanted := regexp.MustCompile(`otelcol_[a-z_]+`).FindAllString(rules, -1)
	require.NotEmpty(t, wanted)

	var status atomic.Int32 // what the backend answers; 0 is no answer at all
	status.Store(http.StatusOK)
	stop := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if status.Load() == 0 {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(backend.Close)
	t.Cleanup(func() { close(stop) })

	c := collector.New(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/otlphttp.yaml"},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.URL, "OTEL_EXPORTER_OTLP_HEADERS=none"},
		Overlay: `
exporters:
  otlp_http:
    timeout: 20s
    retry_on_failure: {enabled: false}
    sending_queue: {sizer: requests, queue_size: 4, num_consumers: 1, batch: null}
`,
	})
	c.Run()
	has := func(names ...string) func() bool {
		return func() bool {
			scraped := c.Scrape()
			return !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(scraped, "\n"+name+"{") })
		}
	}
	until(t, "deliveries are counted", func() { postOneOfEach(t, c) },
		has("otelcol_exporter_sent_spans", "otelcol_exporter_sent_log_records", "otelcol_exporter_sent_metric_points"))
	until(t, "what is no OTLP is counted", func() {
		resp, err := http.Post("http://"+c.OTLPHTTP+"/v1/logs", "application/json", strings.NewReader("{"))
		require.NoError(t, err)
		resp.Body.Close()
	}, has("otelcol_admission_refused_requests"))
	status.Store(http.StatusBadRequest)
	until(t, "quarantine is counted", func() { postOneOfEach(t, c) }, has("otelcol_extension_retry_policy_quarantined_requests"))
	status.Store(http.StatusServiceUnavailable)
	until(t, "what is given up is counted", func() { postOneOfEach(t, c) },
		has("otelcol_exporter_send_failed_spans", "otelcol_exporter_send_failed_log_records", "otelcol_exporter_send_failed_metric_points"))
	status.Store(0)
	until(t, "refusals are counted", func() { postOneOfEach(t, c) },
		has("otelcol_receiver_refused_spans", "otelcol_receiver_refused_log_records", "otelcol_receiver_refused_metric_points"))
	seen := c.Scrape()

	// A damaged queue file is set aside at the next start.
	c.Kill()
	files, err := filepath.Glob(filepath.Join(c.DataDir, "queue", "exporter*.log", "*.seg"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("damaged ", 1<<13)), 0o600))
	}
	status.Store(http.StatusOK)
	c.Run()
	counted := regexp.MustCompile(`(?m)^otelcol_extension_durable_storage_set_aside_files\{.*\} [1-9]`)
	until(t, "the file is counted", func() {}, func() bool { return counted.MatchString(c.Scrape()) })
	seen += c.Scrape()

	for _, name := range wanted {
		require.Regexp(t, "\n"+name+"[ {]", seen, "the rule asks for it")
	}
	for _, label := range []string{`exporter="otlp_http"`, `receiver="otlp"`, `data_type="traces"`} {
		require.Contains(t, seen, label, "the rules select or name by it")
	}
}

// until repeats an act until it had its effect.
func until(t *testing.T, what string, act func(), done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		act()
		select {
		case <-tick.C:
		case <-ctx.Done():
			require.Fail(t, what)
		}
	}
}

// postOneOfEach sends one item of each signal over OTLP/HTTP; refusals are what tests want.
func postOneOfEach(t *testing.T, c *collector.Collector) {
	t.Helper()
	now := fmt.Sprint(time.Now().UnixNano())
	point := map[string]any{"timeUnixNano": now, "asInt": "1"}
	for path, body := range map[string]any{
		"traces": map[string]any{"resourceSpans": []any{map[string]any{"scopeSpans": []any{map[string]any{"spans": []any{map[string]any{
			"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "x", "startTimeUnixNano": now, "endTimeUnixNano": now,
		}}}}}}},
		"logs": map[string]any{"resourceLogs": []any{map[string]any{"scopeLogs": []any{map[string]any{"logRecords": []any{map[string]any{
			"timeUnixNano": now, "body": map[string]any{"stringValue": "x"},
		}}}}}}},
		"metrics": map[string]any{"resourceMetrics": []any{map[string]any{"scopeMetrics": []any{map[string]any{"metrics": []any{map[string]any{
			"name": "x", "gauge": map[string]any{"dataPoints": []any{point}},
		}}}}}}},
	} {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		resp, err := http.Post("http://"+c.OTLPHTTP+"/v1/"+path, "application/json", strings.NewReader(string(raw)))
		if refused := net.Error(nil); errors.As(err, &refused) {
			continue
		}
		require.NoError(t, err)
		resp.Body.Close()
	}
}
