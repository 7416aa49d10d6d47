package retrypolicy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"

	"github.com/otelcol-obs/otelcol-obs/components/retrypolicy/internal/metadata"
)

var extensionID = component.MustNewID("retry_policy")

type kit struct {
	*policy
	tel *componenttest.Telemetry
	dir string
}

func newKit(t testing.TB, change ...func(*Config)) *kit {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Quarantine.Directory = filepath.Join(t.TempDir(), "quarantine")
	for _, f := range change {
		f(cfg)
	}
	require.NoError(t, cfg.Validate())
	tel := componenttest.NewTelemetry()
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = extensionID
	set.TelemetrySettings = tel.NewTelemetrySettings()
	ext, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, ext.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return &kit{ext.(*policy), tel, cfg.Quarantine.Directory}
}

// metric returns the sum of a metric's points that have all the given
// attributes, written key=value.
func (k *kit) metric(t testing.TB, name string, attrs ...string) int64 {
	t.Helper()
	m, err := k.tel.GetMetric("otelcol_extension_retry_policy_" + name)
	if err != nil {
		return 0
	}
	var points []metricdata.DataPoint[int64]
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		points = data.DataPoints
	case metricdata.Gauge[int64]:
		points = data.DataPoints
	}
	var sum int64
	for _, p := range points {
		have := map[string]bool{}
		for _, kv := range p.Attributes.ToSlice() {
			have[string(kv.Key)+"="+kv.Value.String()] = true
		}
		matches := true
		for _, a := range attrs {
			matches = matches && have[a]
		}
		if matches {
			sum += p.Value
		}
	}
	return sum
}

func (k *kit) files(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(k.dir, "*"))
	require.NoError(t, err)
	return files
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// kept returns the log bodies of all files in quarantine.
func (k *kit) kept(t testing.TB) []string {
	t.Helper()
	var bodies []string
	for _, f := range k.files(t) {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		req := plogotlp.NewExportRequest()
		if strings.HasSuffix(f, ".json") {
			require.NoError(t, req.UnmarshalJSON(b))
		} else {
			require.NoError(t, req.UnmarshalProto(b))
		}
		bodies = append(bodies, bodiesOf(req.Logs())...)
	}
	return bodies
}

// backend is an OTLP backend over HTTP and gRPC that answers as it is told, and
// knows the log bodies that it took.
type backend struct {
	plogotlp.UnimplementedGRPCServer

	mu       sync.Mutex
	got      []string
	headers  []http.Header
	method   string
	status   func(size int, bodies []string) int // HTTP; nil is 200
	grpc     func(bodies []string) error
	rejected int64
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		raw2, derr := decode(r.Header.Get("Content-Encoding"), raw)
		err = derr
		req := plogotlp.NewExportRequest()
		isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), jsonType)
		if err == nil && strings.HasSuffix(r.URL.Path, "/logs") {
			err = unmarshal(req, raw2, isJSON)
		}
		if err == nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.headers = append(b.headers, r.Header.Clone())
			b.method = r.Method
			status := 200
			if b.status != nil {
				status = b.status(len(raw2), bodiesOf(req.Logs()))
			}
			if status >= 300 && status < 400 {
				w.Header().Set("Location", "/elsewhere/v1/logs")
			}
			if status/100 == 2 {
				b.got = append(b.got, bodiesOf(req.Logs())...)
			}
			resp := plogotlp.NewExportResponse()
			resp.PartialSuccess().SetRejectedLogRecords(b.rejected)
			out, _ := resp.MarshalProto()
			w.Header().Set("Content-Type", protobuf)
			w.WriteHeader(status)
			_, _ = w.Write(out)
			return
		}
	}
	http.Error(w, err.Error(), 599)
}

func (b *backend) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	resp := plogotlp.NewExportResponse()
	if b.grpc != nil {
		if err := b.grpc(bodiesOf(req.Logs())); err != nil {
			return resp, err
		}
	}
	b.got = append(b.got, bodiesOf(req.Logs())...)
	resp.PartialSuccess().SetRejectedLogRecords(b.rejected)
	return resp, nil
}

func (b *backend) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.got...)
}

func bodiesOf(ld plog.Logs) []string {
	var out []string
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				out = append(out, lr.Body().Str())
			}
		}
	}
	return out
}

// overHTTP is the linked otlp_http exporter, without queue and retry, so that
// ConsumeLogs returns what exporterhelper would decide upon.
func overHTTP(t testing.TB, k *kit, b *backend, extra map[string]any) exporter.Logs {
	t.Helper()
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	return newExporter(t, otlphttpexporter.NewFactory(), k, srv.URL, extra)
}

func overGRPC(t testing.TB, k *kit, b *backend, opts ...grpc.ServerOption) exporter.Logs {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := grpc.NewServer(opts...)
	plogotlp.RegisterGRPCServer(srv, b)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(srv.Stop)
	return newExporter(t, otlpexporter.NewFactory(), k, ln.Addr().String(), map[string]any{"tls": map[string]any{"insecure": true}})
}

func newExporter(t testing.TB, factory exporter.Factory, k *kit, endpoint string, extra map[string]any) exporter.Logs {
	t.Helper()
	conf := confmap.NewFromStringMap(map[string]any{
		"endpoint":         endpoint,
		"middlewares":      []any{map[string]any{"id": "retry_policy"}},
		"retry_on_failure": map[string]any{"enabled": false},
		"sending_queue":    map[string]any{"enabled": false},
		"headers":          map[string]any{"dd-api-key": "secret-key"},
	})
	require.NoError(t, conf.Merge(confmap.NewFromStringMap(extra)))
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, conf.Unmarshal(cfg))
	exp, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(factory.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{extensionID: k.policy}))
	t.Cleanup(func() { require.NoError(t, exp.Shutdown(context.Background())) })
	return exp
}

// someLogs spreads n records over resources and scopes.
func someLogs(n int) plog.Logs {
	ld := plog.NewLogs()
	for i := range n {
		if i%7 == 0 {
			rl := ld.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service %d", i))
			rl.SetSchemaUrl("resource schema")
		}
		rl := ld.ResourceLogs().At(ld.ResourceLogs().Len() - 1)
		if i%3 == 0 || rl.ScopeLogs().Len() == 0 {
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName(fmt.Sprintf("scope %d", i))
			sl.SetSchemaUrl("scope schema")
		}
		rl.ScopeLogs().At(rl.ScopeLogs().Len() - 1).LogRecords().AppendEmpty().Body().SetStr(fmt.Sprintf("record %d", i))
	}
	return ld
}

func someTraces(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range n {
		if i%7 == 0 {
			td.ResourceSpans().AppendEmpty().Resource().Attributes().PutStr("service.name", fmt.Sprintf("service %d", i))
		}
		rs := td.ResourceSpans().At(td.ResourceSpans().Len() - 1)
		if i%3 == 0 || rs.ScopeSpans().Len() == 0 {
			rs.ScopeSpans().AppendEmpty().Scope().SetName(fmt.Sprintf("scope %d", i))
		}
		rs.ScopeSpans().At(rs.ScopeSpans().Len() - 1).Spans().AppendEmpty().SetName(fmt.Sprintf("span %d", i))
	}
	return td
}

// someMetrics has n metrics of all kinds with n points each.
func someMetrics(n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	for i := range n {
		m := sm.Metrics().AppendEmpty()
		m.SetName(fmt.Sprintf("metric %d", i))
		m.SetUnit("By")
		for p := range n {
			id := fmt.Sprintf("%d.%d", i, p)
			switch i % 5 {
			case 0:
				if p == 0 {
					m.SetEmptyGauge()
				}
				m.Gauge().DataPoints().AppendEmpty().Attributes().PutStr("id", id)
			case 1:
				if p == 0 {
					m.SetEmptySum().SetIsMonotonic(true)
					m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				}
				m.Sum().DataPoints().AppendEmpty().Attributes().PutStr("id", id)
			case 2:
				if p == 0 {
					m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				}
				m.Histogram().DataPoints().AppendEmpty().Attributes().PutStr("id", id)
			case 3:
				if p == 0 {
					m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
				}
				m.ExponentialHistogram().DataPoints().AppendEmpty().Attributes().PutStr("id", id)
			case 4:
				if p == 0 {
					m.SetEmptySummary()
				}
				m.Summary().DataPoints().AppendEmpty().Attributes().PutStr("id", id)
			}
		}
	}
	return md
}
