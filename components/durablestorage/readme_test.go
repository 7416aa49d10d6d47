package durablestorage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(b)
}

func TestREADMEShowsWhatLoads(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		file := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		conf, err := confmaptest.LoadConf(file)
		require.NoError(t, err, block[1])
		sub, err := conf.Sub("extensions::durable_storage")
		require.NoError(t, err)
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, sub.Unmarshal(cfg), block[1])
		require.NoError(t, cfg.Validate(), block[1])
	}
}

func TestREADMEListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readme(t), "| `"+key+"` |")
	}
	require.Len(t, regexp.MustCompile("(?m)^\\| `[a-z_:]+` \\| `").FindAllString(readme(t), -1), len(conf.AllKeys()), "the README has keys that do not exist")
}

func TestREADMEListsEveryMetric(t *testing.T) {
	k := newKit(t, t.TempDir())
	c := k.open(t)
	for _, counter := range []metric.Int64Counter{c.tel.recovered, c.tel.salvaged, c.tel.corrupt, c.tel.setAside, c.tel.unreadable, c.tel.missing, c.tel.failed} {
		c.tel.add(counter, 1)
	}
	c.tel.refuse(c.tel.diskFull)
	var data metricdata.ResourceMetrics
	require.NoError(t, k.tel.Reader.Collect(t.Context(), &data))
	var emitted []string
	for _, sm := range data.ScopeMetrics {
		for _, m := range sm.Metrics {
			if strings.HasPrefix(m.Name, prefix) {
				emitted = append(emitted, m.Name)
			}
		}
	}
	listed := regexp.MustCompile("(?m)^\\| `("+prefix+"[a-z_]+)`").FindAllStringSubmatch(readme(t), -1)
	var names []string
	for _, l := range listed {
		names = append(names, l[1])
	}
	slices.Sort(names)
	slices.Sort(emitted)
	require.Equal(t, emitted, names)
}

// Every test that the table of promises names must exist.
func TestREADMENamesTestsThatExist(t *testing.T) {
	var source strings.Builder
	for _, dir := range []string{".", "../retrypolicy", "../../tests/e2e/crash"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(b)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(readme(t), -1)
	require.Greater(t, len(named), 10)
	for _, n := range named {
		require.Contains(t, source.String(), "func "+n[1]+"(t *testing.T)", n[1])
	}
}
