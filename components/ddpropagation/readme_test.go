package ddpropagation

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"
)

func readme(t *testing.T) string {
	raw, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(raw)
}

// Every configuration in the README loads and is valid, and the one that shows the default sources shows them all.
func TestReadmeConfigurationsLoad(t *testing.T) {
	loaded := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1) {
		if !strings.HasPrefix(block[1], "processors:") {
			var data []any
			require.NoError(t, yaml.Unmarshal([]byte(block[1]), &data), "data before and after")
			continue
		}
		var doc struct {
			Processors map[string]map[string]any `yaml:"processors"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(block[1]), &doc))
		for id, raw := range doc.Processors {
			require.Equal(t, "dd_propagation", strings.Split(id, "/")[0])
			cfg := createDefaultConfig().(*Config)
			require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg), block[1])
			require.NoError(t, cfg.Validate(), block[1])
			if strings.Contains(block[1], "sources:") {
				require.Equal(t, createDefaultConfig(), cfg)
			}
			loaded++
		}
	}
	require.Equal(t, 4, loaded)
}

// The table of keys is the configuration's own list of keys, with its defaults.
func TestReadmeListsEveryKeyAndDefault(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	want := map[string]string{"logs::sources": "see below"}
	for _, key := range conf.AllKeys() {
		if key != "logs::sources" {
			want[key] = "`" + strings.TrimSuffix(toText(conf.Get(key)), "0s") + "`"
		}
	}
	got := map[string]string{}
	section := strings.Split(strings.Split(readme(t), "## Configuration")[1], "## Spans")[0]
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_:]+)` \\| (.+?) \\|").FindAllStringSubmatch(section, -1) {
		got[row[1]] = row[2]
	}
	require.Equal(t, want, got)
}

func toText(v any) string {
	raw, err := yaml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(raw))
}

// The README's metrics, attributes and outcomes are those that are emitted.
func TestReadmeListsEveryMetric(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Traces.Tracestate = tracestateUpsert
	cfg.TraceIDCache.MaxEntries = 1
	c := newCollector(t, cfg)
	p := c.traces(t)
	td := ptrace.NewTraces()
	addSpan(t, td, zeros+low1, tidA).Attributes().PutStr(originKey, "rum")
	addSpan(t, td, zeros+low2, tidA)
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	send(t, p, zeros+low2, "")

	var data metricdata.ResourceMetrics
	require.NoError(t, c.tel.Reader.Collect(t.Context(), &data))
	emitted := map[string][]string{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if strings.HasPrefix(m.Name, metricPrefix) {
				keys := []string{}
				for _, attr := range c.sum(t, strings.TrimPrefix(m.Name, metricPrefix))[0].Attributes.ToSlice() {
					keys = append(keys, string(attr.Key))
				}
				emitted[m.Name] = keys
			}
		}
	}
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(otelcol_[a-z_]+)` \\| (.+?) \\|").FindAllStringSubmatch(readme(t), -1) {
		keys := strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ")
		slices.Sort(keys)
		documented[row[1]] = keys
	}
	require.Equal(t, emitted, documented)

	var outcomes []string
	for o := range outcomeCount {
		outcomes = append(outcomes, o.String())
	}
	section := strings.Split(strings.Split(readme(t), "| outcome |")[1], "`source` is")[0]
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1])
	}
	require.ElementsMatch(t, outcomes, listed)
}
