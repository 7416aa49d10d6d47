package ddstatsconnector

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// shippedPipelines is what a test reads of a configuration.
type shippedPipelines struct {
	Connectors map[string]map[string]any `mapstructure:"connectors"`
	Exporters  map[string]map[string]any `mapstructure:"exporters"`
	Service    struct {
		Pipelines map[string]struct {
			Receivers  []string `mapstructure:"receivers"`
			Processors []string `mapstructure:"processors"`
			Exporters  []string `mapstructure:"exporters"`
		} `mapstructure:"pipelines"`
	} `mapstructure:"service"`
}

func (s shippedPipelines) payload() bool { return s.Connectors["dd_stats"]["payload"] == true }

func kindOf(id string) string {
	kind, _, _ := strings.Cut(id, "/")
	return kind
}

// combinations are the command lines that can be made of shipped files: each base with each export, and what each example names.
func combinations(t *testing.T) (all [][]string) {
	t.Helper()
	glob := func(pattern string) []string {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		return files
	}
	for _, base := range glob("../../config/*.yaml") {
		for _, export := range glob("../../config/export/*.yaml") {
			all = append(all, []string{base, export})
		}
	}
	command := regexp.MustCompile(`--config (config/\S+)`)
	for _, example := range glob("../../config/examples/*.yaml") {
		text, err := os.ReadFile(example)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(text), "\n")
		var files []string
		for _, m := range command.FindAllStringSubmatch(first, -1) {
			files = append(files, "../../"+m[1])
		}
		require.Contains(t, files, example, "its first line is its command")
		all = append(all, files)
		all = append(all, withDatadog(files)...)
	}
	return all
}

// withDatadog is a command line with Datadog for the backend, and behind each example what it needs then.
func withDatadog(files []string) (all [][]string) {
	for _, export := range []string{"datadog.yaml", "datadog-otlp.yaml"} {
		var out []string
		changed := false
		for _, file := range files {
			if filepath.Base(file) == "otlp.yaml" {
				file, changed = filepath.Join(filepath.Dir(file), export), true
			}
			out = append(out, file)
			if more := strings.TrimSuffix(file, ".yaml") + "-datadog.yaml"; exists(more) {
				out = append(out, more)
			}
		}
		if changed {
			all = append(all, out)
		}
	}
	return all
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func merged(t *testing.T, files []string) shippedPipelines {
	t.Helper()
	whole := confmap.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		retrieved, err := confmap.NewRetrievedFromYAML(text)
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		require.NoError(t, whole.Merge(conf))
	}
	var out shippedPipelines
	require.NoError(t, whole.Unmarshal(&out, confmap.WithIgnoreUnused()))
	return out
}

// Statistics are of all spans: nothing that leaves spans out stands before the connector.
func TestShippedConfigurationsCountBeforeTheyLeaveOut(t *testing.T) {
	t.Parallel()
	counted := 0
	for _, files := range combinations(t) {
		for name, p := range merged(t, files).Service.Pipelines {
			if kindOf(name) != "traces" || !contains(p.Exporters, "dd_stats") {
				continue
			}
			counted++
			for _, processor := range p.Processors {
				require.NotContains(t, []string{"dd_sampler", "tail_sampling", "probabilistic_sampler", "filter"}, kindOf(processor), "%s: %s", files, name)
			}
		}
	}
	require.Positive(t, counted)
}

// A payload of statistics goes to the exporter that posts it and to no other, and what tracers counted goes nowhere where their
// spans are counted again.
func TestShippedConfigurationsSendPayloadsToDatadogsIntakeAlone(t *testing.T) {
	t.Parallel()
	carried := 0
	for _, files := range combinations(t) {
		cfg := merged(t, files)
		for name, p := range cfg.Service.Pipelines {
			if kindOf(name) != "metrics" || !contains(p.Receivers, "dd_stats") || !cfg.payload() {
				continue
			}
			carried++
			for _, exporter := range p.Exporters {
				require.Equal(t, "datadog_intake", kindOf(exporter), "%s: %s", files, name)
			}
		}
		if cfg.Connectors["dd_stats"]["count_computed"] == true {
			require.Equal(t, map[string]any{"trace_statistics": false}, cfg.Exporters["datadog_intake"]["metrics"], files)
		}
	}
	require.Positive(t, carried)
}

func contains(ids []string, kind string) bool {
	for _, id := range ids {
		if kindOf(id) == kind {
			return true
		}
	}
	return false
}
