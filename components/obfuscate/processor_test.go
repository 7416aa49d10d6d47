package obfuscate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// Every folder of testdata/traces is one case: a config, what came in, what goes out.
func TestTracesBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/traces/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		goldentest.EqualTraces(t, filepath.Join(dir, "out.yaml"), newPipelines(t, cfg).traces(t, goldentest.Traces(t, filepath.Join(dir, "in.yaml"))))
	})
}

// What a lexer or the Agent made of a text stays what it is when another collector does it again, in these cases.
func TestTwiceIsOnce(t *testing.T) {
	for _, name := range []string{"sql", "commands_and_documents", "urls_and_cards", "events_and_links"} {
		dir := filepath.Join("testdata/traces", name)
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		once := newPipelines(t, cfg).traces(t, goldentest.Traces(t, filepath.Join(dir, "in.yaml")))
		want := asJSON(t, once)
		require.Equal(t, want, asJSON(t, newPipelines(t, cfg).traces(t, once)))
	}
}

func asJSON(t testing.TB, td ptrace.Traces) string {
	t.Helper()
	raw, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
	require.NoError(t, err)
	return string(raw)
}

func TestLogsBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/logs/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		p := newPipelines(t, cfg)
		require.NoError(t, p.logsIn.ConsumeLogs(t.Context(), goldentest.Logs(t, filepath.Join(dir, "in.yaml"))))
		goldentest.EqualLogs(t, filepath.Join(dir, "out.yaml"), p.logsSink.AllLogs()[0])
	})
}

func TestMetricsBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/metrics/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		p := newPipelines(t, cfg)
		require.NoError(t, p.metricsIn.ConsumeMetrics(t.Context(), goldentest.Metrics(t, filepath.Join(dir, "in.yaml"))))
		goldentest.EqualMetrics(t, filepath.Join(dir, "out.yaml"), p.metricsSink.AllMetrics()[0])
	})
}

// The value of every attribute, name and body is searched for what must not leave.
func TestNothingSecretLeaves(t *testing.T) {
	for _, name := range []string{"sql", "commands_and_documents", "urls_and_cards", "events_and_links"} {
		td := newPipelines(t, createDefaultConfig().(*Config)).traces(t, goldentest.Traces(t, filepath.Join("testdata/traces", name, "in.yaml")))
		raw := asJSON(t, td)
		for _, secret := range []string{"123-45-6789", "jane", "secret", "password user", "a@b.c", "4111 1111", "378282246310005", "token=abc", "u:p@", "62b90ba5", "unterminated"} {
			require.NotContains(t, raw, secret, name)
		}
	}
}

func TestEverythingIsCounted(t *testing.T) {
	p := newPipelines(t, createDefaultConfig().(*Config))
	td := goldentest.Traces(t, "testdata/traces/sql/in.yaml")
	p.traces(t, td)
	texts := p.counted(t, "texts", "outcome")
	require.Equal(t, map[string]int64{"changed": 6, "failed": 2, "unchanged": 1}, texts)
	p = newPipelines(t, createDefaultConfig().(*Config))
	p.traces(t, goldentest.Traces(t, "testdata/traces/urls_and_cards/in.yaml"))
	require.Equal(t, map[string]int64{"": 4}, p.counted(t, "cards", "outcome"))
	require.Equal(t, map[string]int64{"": 5}, p.counted(t, "urls", "outcome"))

	cfg := createDefaultConfig().(*Config)
	goldentest.Config(t, "testdata/traces/local_roots", cfg)
	p = newPipelines(t, cfg)
	out := p.traces(t, goldentest.Traces(t, "testdata/traces/local_roots/in.yaml"))
	rules := p.counted(t, "filtered_spans", "rule")
	require.Equal(t, map[string]int64{"ignore_resources": 2, "reject": 4, "require": 1}, rules)
	require.Equal(t, 10-7, out.SpanCount())
}

// A megabyte of statement in one span is cut, and the span arrives.
func TestAnEndlessStatementIsCut(t *testing.T) {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.Attributes().PutStr("db.system", "mysql")
	span.Attributes().PutStr("db.statement", "SELECT "+strings.Repeat("'secret', ", 100_000))
	p := newPipelines(t, createDefaultConfig().(*Config))
	out := p.traces(t, td).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	v, _ := out.Attributes().Get("db.statement")
	require.NotContains(t, v.Str(), "secret")
	require.Less(t, len(v.Str()), 70_000)
	require.Equal(t, map[string]int64{"cut": 1}, p.counted(t, "texts", "outcome"))
}

// pipelines is one component id in a running collector, with its metrics.
type pipelines struct {
	tel         *componenttest.Telemetry
	tracesIn    processor.Traces
	logsIn      processor.Logs
	metricsIn   processor.Metrics
	tracesSink  *consumertest.TracesSink
	logsSink    *consumertest.LogsSink
	metricsSink *consumertest.MetricsSink
}

func newPipelines(t testing.TB, cfg *Config) *pipelines {
	t.Helper()
	p := &pipelines{tel: componenttest.NewTelemetry(), tracesSink: &consumertest.TracesSink{}, logsSink: &consumertest.LogsSink{}, metricsSink: &consumertest.MetricsSink{}}
	set := processortest.NewNopSettings(typ)
	set.TelemetrySettings = p.tel.NewTelemetrySettings()
	f := NewFactory()
	var err error
	p.tracesIn, err = f.CreateTraces(t.Context(), set, cfg, p.tracesSink)
	require.NoError(t, err)
	p.logsIn, err = f.CreateLogs(t.Context(), set, cfg, p.logsSink)
	require.NoError(t, err)
	p.metricsIn, err = f.CreateMetrics(t.Context(), set, cfg, p.metricsSink)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, p.tracesIn.Shutdown(context.Background()))
		require.NoError(t, p.logsIn.Shutdown(context.Background()))
		require.NoError(t, p.metricsIn.Shutdown(context.Background()))
		require.NoError(t, p.tel.Shutdown(context.Background()))
	})
	return p
}

func (p *pipelines) traces(t testing.TB, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	require.NoError(t, p.tracesIn.ConsumeTraces(t.Context(), td))
	return p.tracesSink.AllTraces()[0]
}

func (p *pipelines) logs(t testing.TB, ld plog.Logs) {
	t.Helper()
	require.NoError(t, p.logsIn.ConsumeLogs(t.Context(), ld))
}

func (p *pipelines) metrics(t testing.TB, md pmetric.Metrics) {
	t.Helper()
	require.NoError(t, p.metricsIn.ConsumeMetrics(t.Context(), md))
}

// counted reads a counter by one of its attributes.
func (p *pipelines) counted(t testing.TB, name, by string) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	m, err := p.tel.GetMetric("otelcol_processor_obfuscate_" + name)
	if err != nil {
		return got
	}
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		v, _ := point.Attributes.Value(attributeKey(by))
		got[v.AsString()] += point.Value
	}
	return got
}
