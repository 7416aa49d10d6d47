package datadogexporter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestREADMEShowsWhatLoads(t *testing.T) {
	t.Parallel()
	readmetest.Configs(t, "exporters", "datadog_intake", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		cfg.API.Key = testKey // an environment variable there
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestREADMEListsEveryKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		section, _, _ := strings.Cut(key, "::")
		switch section {
		case "api", "traces", "stats", "metrics", "host_metadata":
			if !strings.HasSuffix(key, "::endpoint") {
				require.Contains(t, readmetest.Text(t), "| `"+key+"` | ")
			}
		}
	}
}
