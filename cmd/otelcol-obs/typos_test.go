package main

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// Some versions of the collector's HTTP configuration ignore keys they do not
// know wherever it is embedded, so that a misspelled limit is no limit.
func TestAMisspelledKeyIsAnError(t *testing.T) {
	t.Parallel()
	f, err := components()
	require.NoError(t, err)
	defaults := map[string]component.Config{}
	for typ, c := range f.Receivers {
		defaults["receiver "+typ.String()] = c.CreateDefaultConfig()
	}
	for typ, c := range f.Processors {
		defaults["processor "+typ.String()] = c.CreateDefaultConfig()
	}
	for typ, c := range f.Exporters {
		defaults["exporter "+typ.String()] = c.CreateDefaultConfig()
	}
	for typ, c := range f.Extensions {
		defaults["extension "+typ.String()] = c.CreateDefaultConfig()
	}
	for typ, c := range f.Connectors {
		defaults["connector "+typ.String()] = c.CreateDefaultConfig()
	}
	// The host metrics receiver reads its map by itself and takes what it knows.
	delete(defaults, "receiver host_metrics")
	delete(defaults, "receiver hostmetrics")
	for name := range maps.Keys(defaults) {
		t.Run(name, func(t *testing.T) {
			require.Error(t, confmap.NewFromStringMap(map[string]any{"max_request_body_sise": 1}).Unmarshal(defaults[name]))
		})
	}
	t.Run("receiver otlp, below protocols::http", func(t *testing.T) {
		conf := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"max_request_body_sise": 1}}})
		require.ErrorContains(t, conf.Unmarshal(f.Receivers[component.MustNewType("otlp")].CreateDefaultConfig()), "max_request_body_sise")
	})
}
