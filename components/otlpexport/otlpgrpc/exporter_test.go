package otlpgrpc

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

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
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// backend is a real OTLP server that answers as it is told.
type backend struct {
	ptraceotlp.UnimplementedGRPCServer
	answer func() (ptraceotlp.ExportResponse, error)

	mu  sync.Mutex
	got []string // of every request: signal, headers of interest, data
}

func (b *backend) keep(ctx context.Context, data any) {
	md, _ := metadata.FromIncomingContext(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, fmt.Sprint(md.Get("user-agent"), md.Get("grpc-encoding"), md.Get("api-key"), data))
}

func (b *backend) Export(ctx context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	raw, err := (&ptrace.JSONMarshaler{}).MarshalTraces(r.Traces())
	if err != nil {
		return ptraceotlp.ExportResponse{}, err
	}
	b.keep(ctx, string(raw))
	return b.answer()
}

type logsBackend struct {
	plogotlp.UnimplementedGRPCServer
	to *backend
}

func (b *logsBackend) Export(ctx context.Context, r plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	raw, err := (&plog.JSONMarshaler{}).MarshalLogs(r.Logs())
	b.to.keep(ctx, string(raw))
	return plogotlp.NewExportResponse(), err
}

type metricsBackend struct {
	pmetricotlp.UnimplementedGRPCServer
	to *backend
}

func (b *metricsBackend) Export(ctx context.Context, r pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	raw, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(r.Metrics())
	b.to.keep(ctx, string(raw))
	return pmetricotlp.NewExportResponse(), err
}

func serve(t *testing.T, answer func() (ptraceotlp.ExportResponse, error)) (*backend, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &backend{answer: answer}
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, b)
	plogotlp.RegisterGRPCServer(server, &logsBackend{to: b})
	pmetricotlp.RegisterGRPCServer(server, &metricsBackend{to: b})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return b, listener.Addr().String()
}

func taken() (ptraceotlp.ExportResponse, error) { return ptraceotlp.NewExportResponse(), nil }

// config sends at once, so that the sender sees what became of it.
func config(endpoint string) *otlpexporter.Config {
	cfg := NewFactory().CreateDefaultConfig().(*otlpexporter.Config)
	cfg.ClientConfig.Endpoint = endpoint
	cfg.ClientConfig.TLS.Insecure = true
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

// Core's exporter is the judge: of every answer ours makes what core's makes.
func TestAnswersMeanWhatTheyMeanToCore(t *testing.T) {
	t.Parallel()
	withRetry := func(code codes.Code, delay time.Duration) error {
		st, err := status.New(code, "later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
		require.NoError(t, err)
		return st.Err()
	}
	answers := map[string]func() (ptraceotlp.ExportResponse, error){
		"taken": taken,
		"partial success": func() (ptraceotlp.ExportResponse, error) {
			r := ptraceotlp.NewExportResponse()
			r.PartialSuccess().SetErrorMessage("2 spans have no name")
			r.PartialSuccess().SetRejectedSpans(2)
			return r, nil
		},
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		answers[code.String()] = func() (ptraceotlp.ExportResponse, error) {
			return ptraceotlp.NewExportResponse(), status.Error(code, "because")
		}
		for _, delay := range []time.Duration{0, 3 * time.Second} {
			answers[fmt.Sprint(code, " retry in ", delay)] = func() (ptraceotlp.ExportResponse, error) {
				return ptraceotlp.NewExportResponse(), withRetry(code, delay)
			}
		}
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, endpoint := serve(t, answer)
			require.Equal(t, outcomeOf(t, otlpexporter.NewFactory(), endpoint), outcomeOf(t, NewFactory(), endpoint))
		})
	}
}

// outcome is what the sender sees of an answer.
type outcome struct {
	err       string
	permanent bool
	logged    string
}

func outcomeOf(t *testing.T, factory exporter.Factory, endpoint string) (o outcome) {
	t.Helper()
	logger, logs := observer.New(zap.WarnLevel)
	set := exportertest.NewNopSettings(factory.Type())
	set.Logger = zap.New(logger)
	if err := started(t, factory, set, config(endpoint)).ConsumeTraces(t.Context(), someTraces()); err != nil {
		o.err, o.permanent = err.Error(), consumererror.IsPermanent(err)
	}
	for _, entry := range logs.All() {
		if strings.HasPrefix(entry.Message, "Partial") {
			o.logged += fmt.Sprint(entry.Message, entry.ContextMap())
		}
	}
	return o
}

// Every signal, compression and header arrives as from core.
func TestRequestsArriveAsCoreSendsThem(t *testing.T) {
	t.Parallel()
	for _, compression := range []configcompression.Type{"gzip", "zstd", "snappy", "none"} {
		t.Run(string(compression), func(t *testing.T) {
			t.Parallel()
			var got [2][]string
			for i, factory := range []exporter.Factory{otlpexporter.NewFactory(), NewFactory()} {
				b, endpoint := serve(t, taken)
				cfg := config(endpoint)
				cfg.ClientConfig.Compression = compression
				cfg.ClientConfig.Headers.Set("api-key", configopaque.String("k"))
				sendAll(t, factory, cfg)
				got[i] = b.got
			}
			require.Len(t, got[1], 3)
			require.Equal(t, got[0], got[1])
		})
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

// Requests that wait are joined: one call, all of their spans.
func TestRequestsOfABatchAreOneCall(t *testing.T) {
	t.Parallel()
	b, endpoint := serve(t, taken)
	cfg := config(endpoint)
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.Batch = configoptional.Some(exporterhelper.BatchConfig{MinSize: 3, FlushTimeout: time.Minute, Sizer: exporterhelper.RequestSizerTypeItems})
	cfg.QueueConfig = configoptional.Some(queue)
	e := started(t, NewFactory(), exportertest.NewNopSettings(NewFactory().Type()), cfg)
	require.False(t, e.Capabilities().MutatesData)
	for range 3 {
		require.NoError(t, e.ConsumeTraces(t.Context(), someTraces()))
	}
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.got) == 1 && strings.Count(b.got[0], "GET /cart") == 3
	}, 30*time.Second, 5*time.Millisecond)
}

func TestConfigurationIsCores(t *testing.T) {
	t.Parallel()
	require.Equal(t, otlpexporter.NewFactory().CreateDefaultConfig(), NewFactory().CreateDefaultConfig())
	require.Equal(t, otlpexporter.NewFactory().Type(), NewFactory().Type())
}
