package charttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// The pipelines are those of config/, in order; only the receivers differ, where
// the values turn some off.
func TestPipelinesAreThoseOfTheRepositorysConfiguration(t *testing.T) {
	timed(t)
	docs := documents(t, render(t, recent, "--set", "datadog.apiKeySecret.name=datadog"))
	for name, files := range map[string][]string{
		"agent":   {"agent.yaml", "export/gateway.yaml"},
		"gateway": {"gateway.yaml", "export/datadog.yaml"},
	} {
		want := object{}
		for _, file := range files {
			merge(want, readYAML(t, filepath.Join(root, "config", file)))
		}
		got := configOf(t, docs, name)
		if name == "gateway" { // takes only OTLP unless told otherwise
			delete(want["receivers"].(object), "datadog")
			delete(want["receivers"].(object), "fluent")
			delete(want["receivers"].(object), "datadog_rum") // of the export file
			for _, pipeline := range at(t, want, "service", "pipelines").(object) {
				if !slices.Contains(pipeline.(object)["receivers"].([]any), any("dd_stats")) {
					pipeline.(object)["receivers"] = []any{"otlp"}
				}
			}
		}
		require.Equal(t, want["service"], got["service"], name)
		require.Equal(t, want["receivers"], got["receivers"], name)
		require.Equal(t, want["processors"], got["processors"], name)

		// What the templates are for.
		for _, exporter := range at(t, want, "exporters").(object) {
			if queue, ok := exporter.(object)["sending_queue"].(object); ok {
				queue["queue_size"] = map[string]float64{"agent": 256 << 20, "gateway": 512 << 20}[name]
			}
		}
		at(t, want, "extensions", "durable_storage").(object)["max_bytes"] = map[string]float64{"agent": 512 << 20, "gateway": 1 << 30}[name]
		intake := object{"max_connections": 10_000.0}
		if name == "gateway" { // two of them, of which one can take what the other has no memory for
			intake["readiness"] = object{"endpoint": "0.0.0.0:13134"}
		}
		at(t, want, "extensions").(object)["admission"] = intake
		if name == "agent" {
			at(t, want, "exporters", "load_balancing").(object)["resolver"] = object{
				"k8s": object{"service": "obs-otelcol-obs-gateway-headless.monitoring", "ports": []any{4317.0}},
			}
			at(t, want, "exporters", "load_balancing", "retry_on_failure").(object)["enabled"] = true
		}
		require.Equal(t, want["exporters"], got["exporters"], name)
		require.Equal(t, want["extensions"], got["extensions"], name)
	}
}

// A map or the same as a string; null deletes in both.
func TestTheUsersConfigurationIsMergedAndNullDeletes(t *testing.T) {
	timed(t)
	const text = `{"receivers":{"otlp":{"protocols":{"grpc":null}}},"service":{"telemetry":{"logs":{"level":"debug"}}}}`
	asString := filepath.Join(t.TempDir(), "values.yaml")
	b, err := yaml.Marshal(object{"backend": "debug", "agent": object{"config": text}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(asString, b, 0o600))
	for name, args := range map[string][]string{
		"map":    {"--set", "backend=debug", "--set-json", "agent.config=" + text},
		"string": {"--values", asString},
	} {
		cfg := configOf(t, documents(t, render(t, recent, args...)), "agent")
		require.NotContains(t, at(t, cfg, "receivers", "otlp", "protocols"), "grpc", name)
		require.Contains(t, at(t, cfg, "receivers", "otlp", "protocols"), "http", name)
		require.Equal(t, "debug", at(t, cfg, "service", "telemetry", "logs", "level"), name)
		require.Contains(t, at(t, cfg, "service"), "pipelines", name)
	}
}

// Every configuration the chart makes is checked by the shipped binary with the
// environment of its pod and nothing else, so a variable the templates forget
// fails here.
func TestTheBinaryAcceptsEveryConfiguration(t *testing.T) {
	timed(t)
	bin := collector(t)
	for name, values := range valuesFiles(t) {
		docs := documents(t, render(t, recent, "--values", values))
		checked := 0
		for _, doc := range docs {
			if doc["kind"] != "DaemonSet" && doc["kind"] != "StatefulSet" {
				continue
			}
			component := at(t, doc, "metadata", "labels", "app.kubernetes.io/component").(string)
			dir := t.TempDir()
			file := filepath.Join(dir, "config.yaml")
			text := configText(t, docs, component)
			text = strings.NewReplacer("/etc/otelcol-obs/", caFiles(t)+"/", "/hostfs", dir).Replace(text)
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			cmd := exec.Command(bin, "validate", "--config", file)
			cmd.Env = append(podEnv(t, doc), "OTELCOL_OBS_DATA="+dir)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s %s: %s\n%s", name, component, out, text)
			checked++
		}
		require.NotZero(t, checked, name)
	}
}

// podEnv is the environment of a workload's container; what comes from Secrets
// and from the pod itself gets a value of the right form.
func podEnv(t *testing.T, workload object) []string {
	t.Helper()
	given := map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "authorization=token"}
	var env []string
	for _, e := range at(t, workload, "spec", "template", "spec", "containers", 0, "env").([]any) {
		name := e.(object)["name"].(string)
		value, ok := e.(object)["value"].(string)
		if !ok {
			value = "0123456789abcdef0123456789abcdef"
			if v, special := given[name]; special {
				value = v
			}
		}
		env = append(env, name+"="+value)
	}
	return env
}

// caFiles is a directory that stands for the mounted Secrets.
func caFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ca, err := os.ReadFile("testdata/ca.crt")
	require.NoError(t, err)
	for _, name := range []string{"backend-ca", "kafka-ca"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "ca.crt"), ca, 0o600))
	}
	return dir
}

func configText(t *testing.T, docs []object, component string) string {
	t.Helper()
	return at(t, find(t, docs, "ConfigMap", "obs-otelcol-obs-"+component), "data", "config.yaml").(string)
}

func configOf(t *testing.T, docs []object, component string) object {
	t.Helper()
	var cfg object
	require.NoError(t, yaml.Unmarshal([]byte(configText(t, docs, component)), &cfg))
	return cfg
}

func readYAML(t *testing.T, file string) object {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var v object
	require.NoError(t, yaml.Unmarshal(b, &v))
	return v
}

// merge does what the collector does with a second --config.
func merge(dst, src object) {
	for key, value := range src {
		child, ok := value.(object)
		if below, both := dst[key].(object); ok && both {
			merge(below, child)
			continue
		}
		dst[key] = value
	}
}

// Every YAML the README shows is values the chart takes.
func TestTheReadmesValuesRender(t *testing.T) {
	timed(t)
	readme, err := os.ReadFile(chart + "/README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(readme), "```yaml\n")[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		file := filepath.Join(t.TempDir(), "values.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		render(t, recent, "--values", file)
	}
}
