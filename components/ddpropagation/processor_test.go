package ddpropagation

import (
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

// Every folder of testdata/traces is one case: a config, what came in, what goes out, and the same again when it comes in twice.
func TestSpansBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/traces/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		out := filepath.Join(dir, "out.yaml")
		once := throughTraces(t, cfg, goldentest.Traces(t, filepath.Join(dir, "in.yaml")))
		goldentest.EqualTraces(t, out, once)
		goldentest.EqualTraces(t, out, throughTraces(t, cfg, once))
	})
}

// Every folder of testdata/logs is one case, as for traces.
func TestLogsBecomeWhatTheGoldenFilesSay(t *testing.T) {
	goldentest.Cases(t, "testdata/logs/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		out := filepath.Join(dir, "out.yaml")
		once := throughLogs(t, cfg, goldentest.Logs(t, filepath.Join(dir, "in.yaml")))
		goldentest.EqualLogs(t, out, once)
		goldentest.EqualLogs(t, out, throughLogs(t, cfg, once))
	})
}

func throughTraces(t testing.TB, cfg *Config, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	sink := new(consumertest.TracesSink)
	p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(typ), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	require.NoError(t, p.Shutdown(t.Context()))
	return sink.AllTraces()[0]
}

func throughLogs(t testing.TB, cfg *Config, ld plog.Logs) plog.Logs {
	t.Helper()
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(typ), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	require.NoError(t, p.Shutdown(t.Context()))
	return sink.AllLogs()[0]
}
