package ddpropagation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

// Every configuration in the README loads and is valid, and the one that shows the default sources shows them all.
func TestReadmeConfigurationsLoad(t *testing.T) {
	loaded := 0
	readmetest.Configs(t, "processors", "dd_propagation", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
		if strings.Contains(block, "sources:") {
			require.Equal(t, createDefaultConfig(), cfg)
		}
		loaded++
	})
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
	section := strings.Split(strings.Split(readmetest.Text(t), "## Configuration")[1], "## Spans")[0]
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
	require.NoError(t, p.ConsumeTraces(t.Context(), goldentest.Traces(t, "testdata/traces/datadog_sdk/in.yaml")))
	ld := plog.NewLogs()
	for i := range maxGroups + 2 {
		rl := ld.ResourceLogs().AppendEmpty()
		if i == 0 {
			rl.Resource().Attributes().PutStr("service.name", "another")
		}
		for range 2 {
			rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes().PutStr("dd.service", fmt.Sprint(i, rl.ScopeLogs().Len()))
		}
	}
	require.NoError(t, c.logs(t).ConsumeLogs(t.Context(), ld))

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
	for _, row := range regexp.MustCompile("(?m)^\\| `(otelcol_[a-z_]+)` \\| (.+?) \\|").FindAllStringSubmatch(readmetest.Text(t), -1) {
		keys := strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ")
		slices.Sort(keys)
		documented[row[1]] = keys
	}
	require.Equal(t, emitted, documented)

	var outcomes []string
	for o := range outcomeCount {
		outcomes = append(outcomes, o.String())
	}
	section := strings.Split(strings.Split(readmetest.Text(t), "| outcome |")[1], "`source` is")[0]
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1])
	}
	require.ElementsMatch(t, outcomes, listed)
}
