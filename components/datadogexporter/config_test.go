package datadogexporter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func configOf(t testing.TB, settings map[string]any) (*Config, error) {
	t.Helper()
	conf := confmap.NewFromStringMap(map[string]any{"api": map[string]any{"key": testKey}})
	require.NoError(t, conf.Merge(confmap.NewFromStringMap(settings)))
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(cfg))
	return cfg, cfg.Validate()
}

func TestErrorsNameTheKeyTheRuleAndWhatWasGiven(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]map[string]any{
		"api::key must be an API key of Datadog: the key is empty":                             {"api": map[string]any{"key": ""}},
		"api::key must be an API key of Datadog: the key holds a character":                    {"api": map[string]any{"key": "abc\n"}},
		"a variable that was not replaced":                                                     {"api": map[string]any{"key": "$DD_API_KEY"}},
		"api::key and api::key_file must not both be set":                                      {"api": map[string]any{"key_file": "/key"}},
		`api::site must be a Datadog site such as datadoghq.eu, got "a b"`:                     {"api": map[string]any{"site": "a b"}},
		`traces::endpoint must be a URL such as https://intake.example.com, got "x"`:           {"traces": map[string]any{"endpoint": "x"}},
		`compression must be zstd, gzip or none, got "snappy"`:                                 {"compression": "snappy"},
		"timeout must be positive, got 0s":                                                     {"timeout": "0s"},
		"retry_on_failure::max_elapsed_time must be 0s with sending_queue::storage":            {"sending_queue": map[string]any{"storage": "x"}, "retry_on_failure": map[string]any{"max_elapsed_time": "5m"}},
		`host_metadata::hostname_source must be config_or_system or first_resource, got "x"`:   {"host_metadata": map[string]any{"hostname_source": "x"}},
		"host_metadata::reporter_period must be at least 5m0s, got 1s":                         {"host_metadata": map[string]any{"reporter_period": "1s"}},
		"traces::error_tps must not be negative, got -1":                                       {"traces": map[string]any{"error_tps": -1}},
		`traces::ignore_resources[0] must be a regular expression, got "("`:                    {"traces": map[string]any{"ignore_resources": []any{"("}}},
		"stats::bucket_interval must be a multiple of 1s, got 1ms":                             {"stats": map[string]any{"bucket_interval": "1ms"}},
		`logs::late_entries must be clamp or send, got "x"`:                                    {"logs": map[string]any{"late_entries": "x"}},
		`metrics::histograms::mode must be one of [distributions counters nobuckets], got "x"`: {"metrics": map[string]any{"histograms": map[string]any{"mode": "x"}}},
		"metrics::delta::max_series must be positive, got 0":                                   {"metrics": map[string]any{"delta": map[string]any{"max_series": 0}}},
		"orchestrator_explorer::enabled is not supported":                                      {"orchestrator_explorer": map[string]any{"enabled": true}},
		"traces::peer_service_aggregation is not supported":                                    {"traces": map[string]any{"peer_service_aggregation": true}},
		"additional_endpoints sends to one organisation":                                       {"additional_endpoints": map[string]any{"https://x": []any{"k"}}},
	} {
		_, err := configOf(t, settings)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), testKey)
	}
}

// testdata/contrib.yaml has every key of the contrib exporter's reference.
func TestAConfigurationOfTheContribExporterWorks(t *testing.T) {
	t.Parallel()
	conf, err := confmaptest.LoadConf("testdata/contrib.yaml")
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	require.Equal(t, "datadoghq.eu", cfg.API.Site)
	require.Equal(t, "customhostname", cfg.Hostname)
	require.Equal(t, []string{"(GET|POST) /healthcheck"}, cfg.Traces.IgnoreResources)
	require.Equal(t, "counters", cfg.Metrics.Histograms.Mode)
	require.Len(t, cfg.notes, len(ignoredKeys))
}

func TestSitesAreReadAsPeopleCopyThem(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"https://app.datadoghq.eu/": "datadoghq.eu", "app.datadoghq.com": "datadoghq.com", "us5.datadoghq.com": "us5.datadoghq.com"} {
		cfg, err := configOf(t, map[string]any{"api": map[string]any{"site": given}})
		require.NoError(t, err)
		require.Equal(t, "https://trace.agent."+want+"/api/v0.2/traces", cfg.endpoints().traces)
	}
}

func TestAPolicyThatIsNotThereStopsTheStart(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	exp, err := NewFactory().CreateTraces(t.Context(), k.set, k.cfg)
	require.NoError(t, err)
	require.ErrorContains(t, exp.Start(t.Context(), hostWith{}), "retry_policy must name an extension of service::extensions")
	k = newKit(t, nil)
	exp, err = NewFactory().CreateTraces(t.Context(), k.set, k.cfg)
	require.NoError(t, err)
	require.ErrorContains(t, exp.Start(t.Context(), hostWith{keeperID: component.Component(struct {
		component.StartFunc
		component.ShutdownFunc
	}{})}), "retry_policy must name a retry_policy extension")
}

func TestAKeyFileIsReadAtStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	k := newKit(t, map[string]any{"api": map[string]any{"key": "", "key_file": file}})
	_, err := NewFactory().CreateTraces(t.Context(), k.set, k.cfg)
	require.ErrorContains(t, err, "read api::key_file")
	require.NoError(t, os.WriteFile(file, []byte("two words"), 0o600))
	_, err = NewFactory().CreateTraces(t.Context(), k.set, k.cfg)
	require.ErrorContains(t, err, "the key holds a character")
	require.NotContains(t, err.Error(), "two words")
}
