package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pipeline"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/internal/requiredenv"
)

const root = "../.."

// environment sets every variable a shipped configuration asks for.
func environment(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"DD_API_KEY":                  "0123456789abcdef0123456789abcdef",
		"DD_SITE":                     "datadoghq.eu",
		"KAFKA_BROKERS":               "127.0.0.1:9092,127.0.0.2:9092",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
		"OTEL_EXPORTER_OTLP_HEADERS":  "api-key=abc",
		"OTELCOL_OBS_GATEWAY":         "localhost",
		"FLUENT_KEY":                  "a key",
		"FLUENT_KEY_EDGE":             "another key",
		"FLUENT_PASSWORD":             "a password",
		"K8S_POD_NAME":                "gateway-0",
		"K8S_NODE_NAME":               "node-1",
		// Components that keep files check at validation that they can.
		"OTELCOL_OBS_DATA": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
}

// load merges what the --config flags would name and validates it with the
// factories in the binary.
func load(t *testing.T, uris ...string) error {
	t.Helper()
	_, err := loaded(t, uris...)
	return err
}

func loaded(t *testing.T, uris ...string) (*otelcol.Config, error) {
	t.Helper()
	factories, err := components()
	require.NoError(t, err)
	provider, err := otelcol.NewConfigProvider(otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
		URIs: uris,
		ProviderFactories: []confmap.ProviderFactory{
			fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory(), requiredenv.NewFactory(),
		},
	}})
	require.NoError(t, err)
	defer func() { require.NoError(t, provider.Shutdown(t.Context())) }()
	cfg, err := provider.Get(t.Context(), factories)
	if err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	require.NoError(t, err)
	require.NotEmpty(t, found, pattern)
	return found
}

func TestEveryBaseTakesEveryExport(t *testing.T) {
	environment(t)
	for _, base := range files(t, "config/*.yaml") {
		for _, export := range files(t, "config/export/*.yaml") {
			t.Run(filepath.Base(base)+" "+filepath.Base(export), func(t *testing.T) {
				cfg, err := loaded(t, base, export)
				require.NoError(t, err)
				completesOnce(t, cfg)
			})
		}
	}
}

func TestTheLocalConfigurationIsComplete(t *testing.T) {
	environment(t)
	cfg, err := loaded(t, filepath.Join(root, "config/local.yaml"))
	require.NoError(t, err)
	completesOnce(t, cfg)
}

// An example is laid over the base its first line names, after an export that
// needs nothing: `# otelcol-obs --config config/BASE.yaml [--config config/export/EXPORT.yaml] --config config/examples/THIS.yaml`.
func TestExamplesSayHowTheyAreUsedAndWork(t *testing.T) {
	environment(t)
	flag := regexp.MustCompile(`--config (\S+)`)
	for _, example := range files(t, "config/examples/*.yaml") {
		t.Run(filepath.Base(example), func(t *testing.T) {
			raw, err := os.ReadFile(example)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(raw), "\n")
			require.True(t, strings.HasPrefix(first, "# otelcol-obs --config "), "first line: %s", first)
			var uris []string
			for _, m := range flag.FindAllStringSubmatch(first, -1) {
				uris = append(uris, filepath.Join(root, m[1]))
			}
			require.Equal(t, filepath.Clean(example), uris[len(uris)-1], "the last --config is the example itself")
			cfg, err := loaded(t, uris...)
			require.NoError(t, err)
			completesOnce(t, cfg)
		})
	}
}

// completesOnce requires that a log's 64-bit trace id is completed by one
// processor of the logs pipeline: two would have two opinions. Agents that
// route by the low 64 bits leave it to their gateways.
func completesOnce(t *testing.T, cfg *otelcol.Config) {
	t.Helper()
	by := 0
	for id, p := range cfg.Service.Pipelines {
		if id.Signal() != pipeline.SignalLogs {
			continue
		}
		for _, processor := range p.Processors {
			conf := confmap.New()
			require.NoError(t, conf.Marshal(cfg.Processors[processor]))
			if conf.Get("ids::canonicalize") == true || conf.Get("trace_id_cache::enabled") == true && conf.Get("trace_id_cache::share_with_logs") == true {
				by++
			}
		}
		if routed := cfg.Processors[component.MustNewIDWithName("transform", "route")] != nil; routed {
			by++
		}
	}
	require.Equal(t, 1, by, "processors that complete a log's trace id")
}

// Every variable a shipped configuration requires is missed by name.
func TestAnEmptyVariableIsNamed(t *testing.T) {
	required := regexp.MustCompile(`\$\{required:(\w+)`)
	for _, export := range files(t, "config/export/*.yaml") {
		raw, err := os.ReadFile(export)
		require.NoError(t, err)
		for _, m := range required.FindAllStringSubmatch(string(raw), -1) {
			t.Run(filepath.Base(export)+" "+m[1], func(t *testing.T) {
				environment(t)
				t.Setenv(m[1], "")
				require.ErrorContains(t, load(t, filepath.Join(root, "config/gateway.yaml"), export), m[1]+" is empty: set it to ")
			})
		}
	}
}

// Every YAML block a README shows is a configuration, or a piece of one to lay
// over config/local.yaml; a list is data, before or after a component.
func TestReadmesShowConfigurationsThatWork(t *testing.T) {
	environment(t)
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	readmes := append(files(t, "README.md"), files(t, "components/*/README.md")...)
	shown := 0
	for _, readme := range readmes {
		raw, err := os.ReadFile(readme)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(raw), -1) {
			var block any
			require.NoError(t, yaml.Unmarshal([]byte(m[1]), &block), m[1])
			if _, data := block.([]any); data {
				continue
			}
			shown++
			t.Run(strings.TrimPrefix(readme, root+"/"), func(t *testing.T) {
				require.NoError(t, load(t, filepath.Join(root, "config/local.yaml"), "yaml:"+m[1]), m[1])
			})
		}
	}
	require.NotZero(t, shown)
}
