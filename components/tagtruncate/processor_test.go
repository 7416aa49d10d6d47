package tagtruncate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/tagtruncate/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// Every folder of testdata is one case: a config, what came in, what goes out.
// The signal is the one in.yaml is written in. What goes out is sent through
// once more: twice must be once.
func TestGolden(t *testing.T) {
	goldentest.Cases(t, "testdata/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		in, out := filepath.Join(dir, "in.yaml"), filepath.Join(dir, "out.yaml")
		raw, err := os.ReadFile(in)
		require.NoError(t, err)
		set := processortest.NewNopSettings(metadata.Type)

		switch text := string(raw); {
		case strings.Contains(text, "resourceSpans:"):
			sink := new(consumertest.TracesSink)
			p, err := NewFactory().CreateTraces(t.Context(), set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, p.ConsumeTraces(t.Context(), goldentest.Traces(t, in)))
			goldentest.EqualTraces(t, out, sink.AllTraces()[0])
			require.NoError(t, p.ConsumeTraces(t.Context(), goldentest.Traces(t, out)))
			goldentest.EqualTraces(t, out, sink.AllTraces()[1])
		case strings.Contains(text, "resourceLogs:"):
			sink := new(consumertest.LogsSink)
			p, err := NewFactory().CreateLogs(t.Context(), set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, p.ConsumeLogs(t.Context(), goldentest.Logs(t, in)))
			goldentest.EqualLogs(t, out, sink.AllLogs()[0])
			require.NoError(t, p.ConsumeLogs(t.Context(), goldentest.Logs(t, out)))
			goldentest.EqualLogs(t, out, sink.AllLogs()[1])
		case strings.Contains(text, "resourceMetrics:"):
			sink := new(consumertest.MetricsSink)
			p, err := NewFactory().CreateMetrics(t.Context(), set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, p.ConsumeMetrics(t.Context(), goldentest.Metrics(t, in)))
			goldentest.EqualMetrics(t, out, sink.AllMetrics()[0])
			require.NoError(t, p.ConsumeMetrics(t.Context(), goldentest.Metrics(t, out)))
			goldentest.EqualMetrics(t, out, sink.AllMetrics()[1])
		default:
			t.Fatalf("%s holds no spans, logs or metrics", in)
		}
	})
}
