package deploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const operate = "../docs/operate.md"

// Whoever is woken by an alert finds what it means, where to look first and what to do.
func TestEveryAlertOfTheChartHasItsSectionInOperate(t *testing.T) {
	t.Parallel()
	alerts := all(read(t, "helm/otelcol-obs/templates/prometheusrule.yaml"), `(?m)^ +- alert: (\S+)$`)
	require.NotEmpty(t, alerts)
	_, list, ok := strings.Cut(read(t, operate), "\n## Alerts\n")
	require.True(t, ok)
	list, _, _ = strings.Cut(list, "\n## ")

	var sections []string
	for _, section := range strings.Split(list, "\n### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections = append(sections, name)
		for _, part := range []string{"Meaning", "First look", "Action"} {
			assert.Contains(t, text, "\n- **"+part+":** ", "%s says it", name)
		}
	}
	assert.Equal(t, alerts, sections, "in the order of the chart")
}

// A name that no component has sends its reader looking for nothing.
func TestMetricsThatOperateNamesExist(t *testing.T) {
	t.Parallel()
	exist := metrics(t)
	text := read(t, operate)
	named := regexp.MustCompile(`otelcol_[a-z0-9_]+[a-z0-9]`).FindAllString(text, -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, exist[name] || strings.Contains(text, "`"+name+"_`") /* a prefix */, "no component emits %s", name)
	}
}

func TestOperateNamesEveryMetricOfTheQueueAndOfTheIntake(t *testing.T) {
	t.Parallel()
	text := read(t, operate)
	for name := range metrics(t) {
		if queue, ok := strings.CutPrefix(name, "otelcol_extension_durable_storage_"); ok {
			assert.Regexp(t, "`"+queue+"[`{]", text)
		}
		if strings.HasPrefix(name, "otelcol_admission_") {
			assert.Contains(t, text, "`"+name+"`")
		}
	}
	reasons := all(read(t, "../components/admission/metadata.yaml"), `(?m)^ +enum: \[(busy,.*)\]$`)
	require.Len(t, reasons, 1)
	for _, reason := range strings.Split(reasons[0], ", ") {
		assert.Contains(t, text, "\n| `"+reason+"` |")
	}
}

// The table of listeners is what the shipped configurations open, no more and no less.
func TestOperateSaysWhatListensWhere(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| (\S[^|]*) \| (\S[^|]*) \| (\S[^|]*) \|`)
	told := map[string]map[string]string{"local": {}, "agent": {}, "gateway": {}}
	for _, m := range row.FindAllStringSubmatch(read(t, operate), -1) {
		for i, base := range []string{"local", "agent", "gateway"} {
			if where := m[2+i]; where != "–" {
				told[base][m[1]] = where
			}
		}
	}
	for base := range told {
		var config struct {
			Extensions map[string]map[string]any
			Receivers  map[string]map[string]any
			Service    struct {
				Telemetry struct {
					Metrics struct {
						Readers []struct {
							Pull struct {
								Exporter struct {
									Prometheus struct {
										Host string
										Port int
									}
								}
							}
						}
					}
				}
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, "../config/"+base+".yaml")), &config))
		opened := map[string]string{}
		open := func(address string) {
			host, port, ok := strings.Cut(address, ":")
			require.True(t, ok, address)
			where, known := map[string]string{"127.0.0.1": "loopback", "0.0.0.0": "all interfaces"}[host]
			require.True(t, known, address)
			opened[port] = where
		}
		endpoints(config.Extensions, open)
		endpoints(config.Receivers, open)
		for _, r := range config.Service.Telemetry.Metrics.Readers {
			open(fmt.Sprintf("%s:%d", r.Pull.Exporter.Prometheus.Host, r.Pull.Exporter.Prometheus.Port))
		}
		assert.Equal(t, opened, told[base], "config/%s.yaml", base)
	}
}

// endpoints hands on each `endpoint` of components, at any depth.
func endpoints(components map[string]map[string]any, found func(string)) {
	var walk func(v any)
	walk = func(v any) {
		m, _ := v.(map[string]any)
		for key, child := range m {
			if text, ok := child.(string); ok && key == "endpoint" {
				found(text)
			}
			walk(child)
		}
	}
	for _, component := range components {
		walk(component)
	}
}

// metrics are the names that the components here and the collector's own
// parts document, in the versions of go.mod.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	documents, err := filepath.Glob("../components/*/documentation.md")
	require.NoError(t, err)
	core := []string{"exporter/exporterhelper", "processor/memorylimiterprocessor", "processor/processorhelper", "receiver/receiverhelper", "service"}
	args := []string{"list", "-m", "-f", "{{.Dir}}"}
	for _, module := range core {
		args = append(args, "go.opentelemetry.io/collector/"+module)
	}
	out, err := exec.Command("go", args...).Output()
	require.NoError(t, err)
	dirs := strings.Fields(string(out))
	require.Len(t, dirs, len(core))
	for _, dir := range dirs {
		documents = append(documents, filepath.Join(dir, "documentation.md"))
	}
	names := map[string]bool{}
	for _, document := range documents {
		for _, name := range all(read(t, document), `(?m)^### (otelcol_\S+)$`) {
			names[name] = true
		}
	}
	return names
}

func TestTheChartsReadmeCountsItsAlerts(t *testing.T) {
	t.Parallel()
	alerts := all(read(t, "helm/otelcol-obs/templates/prometheusrule.yaml"), `(?m)^ +- alert: (\S+)$`)
	count := one(t, read(t, "helm/otelcol-obs/README.md"), `make a PodMonitor and (\S+) alerts`)
	words := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	require.Less(t, len(alerts), len(words))
	assert.Equal(t, words[len(alerts)], count)
}
