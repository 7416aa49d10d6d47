package ddsampler

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// Every folder of testdata/traces is one case: a config, what came in, what goes out, and the same again when what went out comes in elsewhere.
func TestTracesBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/traces/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		once := newPipelines(t, cfg).traces(t, goldentest.Traces(t, filepath.Join(dir, "in.yaml")))
		goldentest.EqualTraces(t, filepath.Join(dir, "out.yaml"), once)
		goldentest.EqualTraces(t, filepath.Join(dir, "out.yaml"), newPipelines(t, cfg).traces(t, once))
	})
}

// In the folders of testdata/logs, traces.yaml passes first.
func TestLogsBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/logs/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		p := newPipelines(t, cfg)
		p.traces(t, goldentest.Traces(t, filepath.Join(dir, "traces.yaml")))
		goldentest.EqualLogs(t, filepath.Join(dir, "out.yaml"), p.logs(t, goldentest.Logs(t, filepath.Join(dir, "in.yaml"))))
	})
}

// pipelines is one component id in a running collector, with its metrics.
type pipelines struct {
	tel        *componenttest.Telemetry
	tracesIn   func(testing.TB, ptrace.Traces)
	logsIn     func(testing.TB, plog.Logs)
	tracesSink *consumertest.TracesSink
	logsSink   *consumertest.LogsSink
}

func newPipelines(t testing.TB, cfg *Config) *pipelines {
	t.Helper()
	p := &pipelines{tel: componenttest.NewTelemetry(), tracesSink: &consumertest.TracesSink{}, logsSink: &consumertest.LogsSink{}}
	set := processortest.NewNopSettings(typ)
	set.TelemetrySettings = p.tel.NewTelemetrySettings()
	f := NewFactory()
	traces, err := f.CreateTraces(t.Context(), set, cfg, p.tracesSink)
	require.NoError(t, err)
	logs, err := f.CreateLogs(t.Context(), set, cfg, p.logsSink)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, traces.Shutdown(context.Background()))
		require.NoError(t, logs.Shutdown(context.Background()))
		require.NoError(t, p.tel.Shutdown(context.Background()))
	})
	p.tracesIn = func(t testing.TB, td ptrace.Traces) { require.NoError(t, traces.ConsumeTraces(t.Context(), td)) }
	p.logsIn = func(t testing.TB, ld plog.Logs) { require.NoError(t, logs.ConsumeLogs(t.Context(), ld)) }
	return p
}

// traces sends a batch and returns what came out, which may be nothing.
func (p *pipelines) traces(t testing.TB, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	p.tracesSink.Reset()
	p.tracesIn(t, td)
	if out := p.tracesSink.AllTraces(); len(out) > 0 {
		return out[0]
	}
	return ptrace.NewTraces()
}

func (p *pipelines) logs(t testing.TB, ld plog.Logs) plog.Logs {
	t.Helper()
	p.logsSink.Reset()
	p.logsIn(t, ld)
	if out := p.logsSink.AllLogs(); len(out) > 0 {
		return out[0]
	}
	return plog.NewLogs()
}

// counted reads a counter by outcome.
func (p *pipelines) counted(t testing.TB, name string) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	m, err := p.tel.GetMetric("otelcol_processor_dd_sampler_" + name)
	if err != nil {
		return got
	}
	for _, point := range sum(t, m.Data) {
		o, _ := point.Attributes.Value("outcome")
		got[o.AsString()] += point.Value
	}
	return got
}
