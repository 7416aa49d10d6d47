package otlphttp

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// answer is what a backend says.
type answer struct {
	status  int
	headers map[string]string
	body    []byte
}

func statusBody(t *testing.T, message string) []byte {
	t.Helper()
	b, err := proto.Marshal(&spb.Status{Code: 3, Message: message})
	require.NoError(t, err)
	return b
}

// outcome is what the sender sees of an answer.
type outcome struct {
	err       string
	permanent bool
	logged    string
}

// Core's exporter is the judge: of every answer ours makes what core's makes.
func TestAnswersMeanWhatTheyMeanToCore(t *testing.T) {
	t.Parallel()
	partial := ptraceotlp.NewExportResponse()
	partial.PartialSuccess().SetErrorMessage("2 spans have no name")
	partial.PartialSuccess().SetRejectedSpans(2)
	partialProto, err := partial.MarshalProto()
	require.NoError(t, err)
	partialJSON, err := partial.MarshalJSON()
	require.NoError(t, err)
	isProto, isJSON := map[string]string{"Content-Type": protobufType}, map[string]string{"Content-Type": jsonType}

	answers := map[string]answer{
		"200":                            {200, isProto, nil},
		"202":                            {202, nil, nil},
		"partial success":                {200, isProto, partialProto},
		"partial success, JSON":          {200, isJSON, partialJSON},
		"partial success, other type":    {200, map[string]string{"Content-Type": "text/html"}, partialProto},
		"200 that is no protobuf":        {200, isProto, []byte{0x0a, 0xff}},
		"200 that is no JSON":            {200, isJSON, []byte("{")},
		"429 with an old date":           {429, map[string]string{"Retry-After": "Mon, 09 Feb 2025 15:04:05 GMT"}, statusBody(t, "quota")},
		"429 with nonsense":              {429, map[string]string{"Retry-After": "soon"}, statusBody(t, "quota")},
		"503 with seconds":               {503, map[string]string{"Retry-After": "30"}, statusBody(t, "overloaded")},
		"503 with more than can be read": {503, nil, statusBody(t, strings.Repeat("a", maxAnswer+1))},
		"503 with HTML":                  {503, nil, []byte("<html>")},
		"400 with control characters":    {400, nil, statusBody(t, "a\x00b\n")},
	}
	for _, code := range []int{301, 400, 401, 402, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 431, 500, 501, 502, 503, 504, 505, 599} {
		answers[fmt.Sprint(code)] = answer{code, nil, statusBody(t, "because")}
		answers[fmt.Sprint(code, " without a body")] = answer{code, nil, nil}
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, outcomeOf(t, otlphttpexporter.NewFactory(), a), outcomeOf(t, NewFactory(), a))
		})
	}
}

func outcomeOf(t *testing.T, factory exporter.Factory, a answer) (o outcome) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range a.headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
	}))
	defer server.Close()
	logger, logs := observer.New(zap.WarnLevel)
	set := exportertest.NewNopSettings(factory.Type())
	set.Logger = zap.New(logger)
	e := started(t, factory, set, config(server.URL))
	err := e.ConsumeTraces(t.Context(), someTraces())
	if err != nil {
		o.err = strings.ReplaceAll(err.Error(), server.URL, "http://backend")
		o.permanent = consumererror.IsPermanent(err)
		o.err = strings.Replace(o.err, "error parsing protobuf response", "parse response", 1) // core's words
		o.err = strings.Replace(o.err, "error parsing json response", "parse response", 1)
		if i := strings.Index(o.err, "Throttle (-"); i >= 0 { // how long ago depends on now
			o.err = o.err[:i] + o.err[strings.Index(o.err, ")"):]
		}
	}
	for _, entry := range logs.All() {
		if strings.HasPrefix(entry.Message, "Partial") {
			o.logged += fmt.Sprint(entry.Message, entry.ContextMap())
		}
	}
	return o
}

// config sends at once, so that the sender sees what became of it.
func config(endpoint string) *otlphttpexporter.Config {
	cfg := NewFactory().CreateDefaultConfig().(*otlphttpexporter.Config)
	cfg.ClientConfig.Endpoint = endpoint
	cfg.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	cfg.RetryConfig.Enabled = false
	return cfg
}

func started(t *testing.T, factory exporter.Factory, set exporter.Settings, cfg component.Config) exporter.Traces {
	t.Helper()
	e, err := factory.CreateTraces(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e
}

func someTraces() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("GET /cart")
	return td
}

// request is what arrived at a backend.
type request struct {
	path    string
	headers http.Header
	body    string
}

func received(t *testing.T, handle func(request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		switch r.Header.Get("Content-Encoding") {
		case "gzip":
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		case "zstd":
			z, err := zstd.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			defer z.Close()
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Content-Length") // of the compressed bytes
		handle(request{r.URL.Path, r.Header, string(b)})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Every signal, compression and header leaves as core would send it.
func TestRequestsLeaveAsCoreSendsThem(t *testing.T) {
	t.Parallel()
	for _, compression := range []configcompression.Type{"gzip", "zstd", "none", ""} {
		for _, own := range []bool{false, true} {
			t.Run(fmt.Sprint(compression, own), func(t *testing.T) {
				t.Parallel()
				var got [2][]request
				for i, factory := range []exporter.Factory{otlphttpexporter.NewFactory(), NewFactory()} {
					url := received(t, func(r request) { got[i] = append(got[i], r) })
					cfg := config(url + "/base/")
					cfg.ClientConfig.Compression = compression
					cfg.ClientConfig.Headers.Set("api-key", configopaque.String("k"))
					if own {
						cfg.TracesEndpoint, cfg.LogsEndpoint, cfg.MetricsEndpoint = url+"/t", url+"/l", url+"/m"
					}
					sendAll(t, factory, cfg)
				}
				require.Len(t, got[1], 3)
				require.Equal(t, got[0], got[1])
			})
		}
	}
}

func sendAll(t *testing.T, factory exporter.Factory, cfg component.Config) {
	t.Helper()
	set := exportertest.NewNopSettings(factory.Type())
	require.NoError(t, started(t, factory, set, cfg).ConsumeTraces(t.Context(), someTraces()))
	logs, err := factory.CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, logs.Start(t.Context(), componenttest.NewNopHost()))
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("hello")
	require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
	require.NoError(t, logs.Shutdown(t.Context()))
	metrics, err := factory.CreateMetrics(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, metrics.Start(t.Context(), componenttest.NewNopHost()))
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("hits")
	m.SetEmptySum().DataPoints().AppendEmpty().SetIntValue(7)
	require.NoError(t, metrics.ConsumeMetrics(t.Context(), md))
	require.NoError(t, metrics.Shutdown(t.Context()))
}

// What is not done here is core's: it works as if ours were not there.
func TestWhatIsNotOursIsHandedToCore(t *testing.T) {
	t.Parallel()
	var got []request
	url := received(t, func(r request) { got = append(got, r) })
	cfg := config(url)
	cfg.Encoding, cfg.ClientConfig.Compression = otlphttpexporter.EncodingJSON, ""
	sendAll(t, NewFactory(), cfg)
	require.Len(t, got, 3)
	require.Equal(t, jsonType, got[0].headers.Get("Content-Type"))
	require.Contains(t, got[0].body, `"GET /cart"`)

	cfg = config(url)
	cfg.ClientConfig.Compression = configcompression.TypeSnappy
	sendAll(t, NewFactory(), cfg)
	require.Equal(t, "snappy", got[3].headers.Get("Content-Encoding"))
}

// An outage costs one compression, whatever the number of attempts.
func TestEachAttemptSendsTheSameBytes(t *testing.T) {
	t.Parallel()
	var attempts atomic.Int32
	bodies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
		if attempts.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	cfg := config(server.URL)
	cfg.RetryConfig.Enabled = true
	cfg.RetryConfig.InitialInterval = time.Millisecond
	e := started(t, NewFactory(), exportertest.NewNopSettings(NewFactory().Type()), cfg)
	require.NoError(t, e.ConsumeTraces(t.Context(), someTraces()))
	first := <-bodies
	require.Equal(t, first, <-bodies)
	require.Equal(t, first, <-bodies)
}

// Two exporters need no copy of the data, though they batch: nothing is written to it.
func TestBatchingExportersDoNotMutate(t *testing.T) {
	t.Parallel()
	cfg := config("http://127.0.0.1:1")
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.Batch = configoptional.Some(exporterhelper.BatchConfig{MinSize: 10, FlushTimeout: time.Second, Sizer: exporterhelper.RequestSizerTypeItems})
	cfg.QueueConfig = configoptional.Some(queue)
	set := exportertest.NewNopSettings(NewFactory().Type())
	traces, err := NewFactory().CreateTraces(t.Context(), set, cfg)
	require.NoError(t, err)
	require.False(t, traces.Capabilities().MutatesData)
	require.True(t, traces.(interface{ ExporterHelperBatchingEnabled() bool }).ExporterHelperBatchingEnabled())
	logs, err := NewFactory().CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.False(t, logs.Capabilities().MutatesData)
	metrics, err := NewFactory().CreateMetrics(t.Context(), set, cfg)
	require.NoError(t, err)
	require.False(t, metrics.Capabilities().MutatesData)
}

func TestConfigurationIsCores(t *testing.T) {
	t.Parallel()
	require.Equal(t, otlphttpexporter.NewFactory().CreateDefaultConfig(), NewFactory().CreateDefaultConfig())
	require.Equal(t, otlphttpexporter.NewFactory().Type(), NewFactory().Type())
	for _, endpoint := range []string{"", "http://[::1"} {
		cfg := config(endpoint)
		set := exportertest.NewNopSettings(NewFactory().Type())
		_, err := NewFactory().CreateTraces(t.Context(), set, cfg)
		require.Error(t, err)
		_, core := otlphttpexporter.NewFactory().CreateTraces(t.Context(), set, cfg)
		require.Error(t, core)
	}
}

func TestAPasswordInAnEndpointIsInNoError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(server.Close)
	cfg := config(strings.Replace(server.URL, "http://", "http://user:hunter2@", 1))
	e := started(t, NewFactory(), exportertest.NewNopSettings(NewFactory().Type()), cfg)
	err := e.ConsumeTraces(t.Context(), someTraces())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")

	cfg = config("http://user:hunter2@127.0.0.1:1")
	e = started(t, NewFactory(), exportertest.NewNopSettings(NewFactory().Type()), cfg)
	err = e.ConsumeTraces(t.Context(), someTraces())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}
