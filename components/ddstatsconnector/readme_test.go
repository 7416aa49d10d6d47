package ddstatsconnector

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestREADMEShowsWhatLoads(t *testing.T) {
	readmetest.Configs(t, "connectors", "dd_stats", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestREADMEListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readmetest.Text(t), "| `"+key+"` | ")
	}
}
