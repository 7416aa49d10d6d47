package ddsampler

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestReadmeConfigurationsLoad(t *testing.T) {
	readmetest.Configs(t, "processors", "dd_sampler", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestReadmeListsEveryMetric(t *testing.T) {
	p := newPipelines(t, load(t, `{logs: mark, keep_rare_per_second: 5}`))
	p.traces(t, oneSpan(7, 0))
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetTraceID(traceID(7))
	p.logs(t, ld)
	readmetest.EqualMetrics(t, p.tel.Reader, "otelcol_processor_dd_sampler_")
}

func TestReadmeListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readmetest.Text(t), "| `"+key+"` |")
	}
}
