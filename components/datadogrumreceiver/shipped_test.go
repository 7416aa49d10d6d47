package datadogrumreceiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// Datadog keeps deltas: a cumulative histogram would have to be remembered by
// its exporter, and the first point of each series would not count. Every other
// backend gets cumulative ones.
func TestShippedConfigurationsSendWebVitalsAsTheirBackendWantsThem(t *testing.T) {
	t.Parallel()
	exports, err := filepath.Glob("../../config/export/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, exports)
	for _, export := range exports {
		for _, others := range [][]string{{"local.yaml", export}, {"gateway.yaml", export, "examples/rum.yaml"}} {
			all := confmap.New()
			for _, file := range others {
				if file != export {
					file = filepath.Join("../../config", file)
				}
				raw, err := os.ReadFile(file)
				require.NoError(t, err)
				var tree map[string]any
				require.NoError(t, yaml.Unmarshal(raw, &tree))
				require.NoError(t, all.Merge(confmap.NewFromStringMap(tree)))
			}
			own, err := all.Sub("receivers::datadog_rum")
			require.NoError(t, err)
			cfg := createDefaultConfig().(*Config)
			require.NoError(t, own.Unmarshal(cfg))
			want := vitals.Cumulative
			if strings.HasPrefix(filepath.Base(export), "datadog") {
				want = vitals.Delta
			}
			require.Equal(t, want, cfg.Vitals.Temporality, others)
		}
	}
}
