package datadogreceiver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/forward"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// javaClient does what dd-trace-java does: it compares Datadog-Agent-State after every send with the hash of the /info it knows, and
// asks again when they differ or the header is missing.
type javaClient struct {
	known string
	asked int
}

func (c *javaClient) discover(t *testing.T, r *running) {
	t.Helper()
	resp, body := r.send(t, http.MethodGet, "/info", nil)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	sum := sha256.Sum256([]byte(body))
	c.known = hex.EncodeToString(sum[:])
	c.asked++
}

func (c *javaClient) flush(t *testing.T, r *running, body []byte) {
	t.Helper()
	resp, _ := r.send(t, http.MethodPut, "/v0.4/traces", body)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	if resp.Header.Get("Datadog-Agent-State") != c.known {
		c.discover(t, r)
	}
}

func TestJavaAsksForInfoOnce(t *testing.T) {
	r := run(t, new(consumertest.TracesSink))
	var c javaClient
	c.discover(t, r)
	for range 50 {
		c.flush(t, r, capture(t, "js-v0.4.bin"))
	}
	require.Equal(t, 1, c.asked)
	// Its probe of an endpoint: [[],[]].
	for _, path := range []string{"/v0.4/traces", "/v0.3/traces"} {
		resp, _ := r.send(t, http.MethodPut, path, []byte{0x92, 0x90, 0x90})
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

func TestInfoListsWhatWorks(t *testing.T) {
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	set := receivertest.NewNopSettings(metadata.Type)
	spans, points := new(consumertest.TracesSink), new(consumertest.MetricsSink)
	traces, err := factory.CreateTraces(t.Context(), set, cfg, spans)
	require.NoError(t, err)
	metrics, err := factory.CreateMetrics(t.Context(), set, cfg, points)
	require.NoError(t, err)
	require.Same(t, traces.(*sharedcomponent.Handle[*datadogReceiver]).Instance(), metrics.(*sharedcomponent.Handle[*datadogReceiver]).Instance(), "one component id is one receiver")
	r := started(t, traces)
	require.NoError(t, metrics.Start(t.Context(), componenttest.NewNopHost()))

	var info struct {
		Endpoints        []string `json:"endpoints"`
		ClientDropP0s    *bool    `json:"client_drop_p0s"`
		SpanEvents       *bool    `json:"span_events"`
		SpanMetaStructs  *bool    `json:"span_meta_structs"`
		LongRunningSpans *bool    `json:"long_running_spans"`
		PeerTags         []string `json:"peer_tags"`
		SpanKinds        []string `json:"span_kinds_stats_computed"`
		Config           struct {
			DefaultEnv string `json:"default_env"`
		} `json:"config"`
	}
	_, body := r.send(t, http.MethodGet, "/info", nil)
	require.NoError(t, json.Unmarshal([]byte(body), &info))
	require.False(t, *info.ClientDropP0s)
	require.True(t, *info.SpanEvents)
	require.True(t, *info.SpanMetaStructs)
	require.False(t, *info.LongRunningSpans)
	require.Equal(t, "none", info.Config.DefaultEnv)
	require.Contains(t, info.PeerTags, "peer.service")
	require.Equal(t, []string{"server", "consumer", "client", "producer"}, info.SpanKinds)
	require.NotContains(t, body, "obfuscation_version")
	require.Contains(t, info.Endpoints, "/v1.0/traces")
	require.Contains(t, info.Endpoints, "/debugger/v1/diagnostics")
	require.NotContains(t, info.Endpoints, "/spans")
	require.Contains(t, info.Endpoints, "/v0.6/stats")
	for _, path := range info.Endpoints {
		resp, _ := r.send(t, http.MethodPost, path, nil)
		require.NotContains(t, []int{http.StatusNotFound, http.StatusUnsupportedMediaType}, resp.StatusCode, path)
	}

	resp, _ := r.send(t, http.MethodPost, "/v0.6/stats", statsCapture(t))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Len(t, points.AllMetrics(), 1)
	for path, file := range map[string]string{"/v1.0/traces": "go-v1.0.bin", "/v0.4/traces": "go-v0.4.bin"} {
		resp, _ := r.send(t, http.MethodPost, path, capture(t, file))
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	require.Equal(t, 4, spans.SpanCount())
}

func TestStatisticsNeedAMetricsPipeline(t *testing.T) {
	r := run(t, new(consumertest.TracesSink))
	resp, _ := r.send(t, http.MethodPost, "/v0.6/stats", statsCapture(t))
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	_, body := r.send(t, http.MethodGet, "/info", nil)
	require.NotContains(t, body, "stats\"")

	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	cfg.ClientDropP0s = true
	traces, err := factory.CreateTraces(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, new(consumertest.TracesSink))
	require.NoError(t, err)
	require.ErrorContains(t, traces.Start(t.Context(), componenttest.NewNopHost()), "client_drop_p0s")
}

func TestSamplingRatesAreAnsweredForEveryServiceSeen(t *testing.T) {
	t.Parallel()
	r := run(t, new(consumertest.TracesSink), func(c *Config) {
		c.Sampling.Rates = []SamplingRate{{Rate: 0.5}, {Env: "prod", Rate: 0.1}}
	})
	want := `{"rate_by_service":{"service:,env:":0.5,"service:,env:prod":0.1,"service:shop,env:prod":0.1}}`
	resp, body := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.JSONEq(t, want, body)
	version := resp.Header.Get("Datadog-Rates-Payload-Version")
	require.NotEmpty(t, version)
	_, body = r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"), "Datadog-Rates-Payload-Version", version)
	require.Equal(t, "{}", body)
	_, body = r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"), "Datadog-Rates-Payload-Version", "old")
	require.JSONEq(t, want, body)
}

func TestServicesOfRefusedPayloadsAreAnsweredToo(t *testing.T) {
	t.Parallel()
	r := run(t, consumertest.NewErr(consumererror.NewPermanent(errors.New("no"))), func(c *Config) { c.Sampling.Rates = []SamplingRate{{Env: "prod", Rate: 0.1}} })
	resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	_, body := r.send(t, http.MethodPost, "/v0.4/traces", []byte{0x90})
	require.Contains(t, body, "service:shop,env:prod")
}

func TestSideChannels(t *testing.T) {
	r := run(t, new(consumertest.TracesSink))
	for path, want := range map[string]int{
		"/": 200, "/v0.4/services": 200, "/services": 200, "/telemetry/proxy/api/v2/apmtelemetry": 200,
		"/debugger/v1/input": 200, "/debugger/v1/diagnostics": 200, "/debugger/v2/input": 200, "/symdb/v1/input": 200,
		// What a user turns on and would lose, and what needs an agent of Datadog's.
		"/v0.7/config": 404, "/profiling/v1/input": 404, "/evp_proxy/v2/api": 404, "/v0.1/pipeline_stats": 404, "/openlineage/api/v1/lineage": 404,
		"/tracer_flare/v1": 404, "/dogstatsd/v2/proxy": 404, "/api/v2/logs": 404, "/api/v2/series": 404,
	} {
		resp, _ := r.send(t, http.MethodPost, path, []byte("{}"))
		require.Equal(t, want, resp.StatusCode, path)
		require.NotEmpty(t, resp.Header.Get("Datadog-Agent-State"), path)
	}
	resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", []byte{0x90}, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	resp, _ = r.send(t, http.MethodGet, "/v0.4/traces", nil)
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestForwardedChannelsAreListedAndReachTheirIntake(t *testing.T) {
	t.Parallel()
	var got []string
	intake := roundTrip(func(req *http.Request) (*http.Response, error) {
		got = append(got, req.URL.String())
		return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody}, nil
	})
	r := run(t, new(consumertest.TracesSink), func(c *Config) {
		c.SideChannels.Forward = ForwardConfig{Site: "datadoghq.com", APIKey: "secret", Channels: []string{"profiling", "telemetry"}}
	})
	o := r.cfg.SideChannels.Forward.options()
	o.Transport = intake
	*r.forward = *forward.New(o)
	_, info := r.send(t, http.MethodGet, "/info", nil)
	require.Contains(t, info, `"/profiling/v1/input"`)
	require.Equal(t, 1, strings.Count(info, `"/telemetry/proxy/"`))
	require.NotContains(t, info, "evp_proxy")
	for path, want := range map[string]int{"/profiling/v1/input": 202, "/telemetry/proxy/api/v2/apmtelemetry": 202, "/debugger/v1/input": 200, "/evp_proxy/v2/api": 404} {
		resp, _ := r.send(t, http.MethodPost, path, []byte("x"))
		require.Equal(t, want, resp.StatusCode, path)
	}
	require.ElementsMatch(t, []string{"https://intake.profile.datadoghq.com/api/v2/profile", "https://instrumentation-telemetry-intake.datadoghq.com/api/v2/apmtelemetry"}, got)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestHeadersDescribeTheContainer(t *testing.T) {
	sink := new(consumertest.TracesSink)
	r := run(t, sink)
	id := strings.Repeat("ab", 32)
	r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"), "Datadog-Entity-ID", "ci-"+id,
		"Datadog-External-Env", "it-false,cn-web,pu-75a2b6d5-3949-4afb-ad0d-92ff0674e759", "Datadog-Meta-Lang", "nodejs",
		"Datadog-Client-Computed-Stats", "yes")
	attrs := sink.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().AsRaw()
	require.Equal(t, id, attrs["container.id"])
	require.Equal(t, "75a2b6d5-3949-4afb-ad0d-92ff0674e759", attrs["k8s.pod.uid"])
	require.Equal(t, "web", attrs["k8s.container.name"])
	require.Equal(t, "nodejs", attrs["telemetry.sdk.language"])
	require.Equal(t, "true", attrs["_dd.stats_computed"])
}

func TestContainerOfCgroup(t *testing.T) {
	docker := strings.Repeat("0123456789abcdef", 4)
	for cgroup, want := range map[string]string{
		"13:name=systemd:/docker/" + docker + "\n":                                            docker,
		"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + docker + ".scope\n":        docker,
		"1:name=systemd:/ecs/55091c13-b8cf-4801-b527-f4601742204d/" + docker[:32] + "-2534\n": docker[:32] + "-2534",
		"12:cpu:/garden/34dc0b5e-626f-2c5c-4c51-70e3\n":                                       "34dc0b5e-626f-2c5c-4c51-70e3",
		"0::/user.slice/session-1.scope\n":                                                    "",
		"":                                                                                    "",
		"1:a:/\n2:b:/docker/" + docker + "\n":                                                 docker,
	} {
		require.Equal(t, want, containerOf([]byte(cgroup)), cgroup)
	}
}

// A busy receiver lets a request wait for its turn and then refuses it; nothing is accepted beyond the bound.
func TestConcurrencyIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	next, err := consumer.NewTraces(func(context.Context, ptrace.Traces) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	require.NoError(t, err)
	r := run(t, next, func(c *Config) {
		c.MaxConcurrentRequests = 1
		c.MaxWait = 50 * time.Millisecond
	})
	var first sync.WaitGroup
	first.Add(1)
	go func() {
		defer first.Done()
		resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
		if resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the pipeline never answered, the tracer was told %d", resp.StatusCode)
		}
	}()
	<-entered
	resp, body := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	require.Contains(t, body, "too many requests")
	first.Wait()
	close(leave)
}

func TestTheNextPodTakesTheSocketOver(t *testing.T) {
	path := t.TempDir() + "/apm.socket"
	var old, next consumertest.TracesSink
	first := run(t, &old, func(c *Config) { c.UnixSocket.Path = path })
	second := run(t, &next, func(c *Config) { c.UnixSocket.Path = path })
	require.NoError(t, first.Shutdown(t.Context()))

	info, err := os.Stat(path)
	require.NoError(t, err, "the socket of the next pod is still there")
	require.Equal(t, fs.FileMode(socketMode), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside it")

	require.Equal(t, path, second.listeners.addresses[len(second.listeners.addresses)-1].String())
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	resp, err := client.Post("http://agent/v0.4/traces", "application/msgpack", bytes.NewReader(capture(t, "js-v0.4.bin")))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, 2, next.SpanCount())
	require.Zero(t, old.SpanCount())
}

func TestAFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	_, _, err := listenUnix(file)
	require.ErrorContains(t, err, "no socket")
	require.FileExists(t, file)
}

func TestConfigErrors(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"endpoint or unix_socket::path must be set":                      func(c *Config) { c.NetAddr.Endpoint = "" },
		`keep_encoding needs translation both or lossless, got semantic`: func(c *Config) { c.Translation, c.KeepEncoding = "semantic", true },
		`translation must be semantic, lossless or both, got "w3c"`:      func(c *Config) { c.Translation = "w3c" },
		"max_spans_per_request must not be negative, got -1":             func(c *Config) { c.MaxSpansPerRequest = -1 },
		"max_concurrent_requests must not be negative, got -1":           func(c *Config) { c.MaxConcurrentRequests = -1 },
		"max_wait must be positive, got 0s":                              func(c *Config) { c.MaxWait = 0 },
		"max_request_body_size must be positive, got 0":                  func(c *Config) { c.MaxRequestBodySize = 0 },
		"sampling::rates::0::rate must be 0 to 1, got 1.5":               func(c *Config) { c.Sampling.Rates = []SamplingRate{{Rate: 1.5}} },
		`sampling::rates::1 repeats service "a" env ""`:                  func(c *Config) { c.Sampling.Rates = []SamplingRate{{Service: "a"}, {Service: "a", Rate: 1}} },
		"sampling::target_tps must be 0 or more, got -1":                 func(c *Config) { c.Sampling.TargetTPS = -1 },
		"sampling::max_services must be positive, got 0":                 func(c *Config) { c.Sampling.MaxServices = 0 },
		`sampling::default_env must be set, got ""`:                      func(c *Config) { c.Sampling.DefaultEnv = "" },
		"sampling::target_tps must be 0 when an entry of sampling::rates is for everything, got 5": func(c *Config) {
			c.Sampling.TargetTPS, c.Sampling.Rates = 5, []SamplingRate{{Rate: 1}}
		},
		"side_channels::forward::api_key must be set": func(c *Config) {
			c.SideChannels.Forward = ForwardConfig{Site: "datadoghq.com", Channels: []string{"profiling"}}
		},
		"sampling_rates is now sampling::rates: move the list there as it is": func(c *Config) { c.SamplingRates = []any{map[string]any{"rate": 1}} },
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, cfg.Validate())
		change(cfg)
		require.EqualError(t, cfg.Validate(), want)
	}
	require.Equal(t, defaultEndpoint, createDefaultConfig().(*Config).NetAddr.Endpoint)
}
