// Package readmetest holds the README beside a component against what the
// component does.
package readmetest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Text is the README of the package under test.
func Text(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(raw)
}

// Configs hands load every configuration the README shows of the component at
// path, such as "processors::json_log", with the YAML it stands in, and
// requires that there is one. Blocks that are a list show data, not configuration.
func Configs(t testing.TB, path string, load func(block string, conf *confmap.Conf)) {
	t.Helper()
	found := false
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(Text(t), -1) {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(block[1]))
		require.NoError(t, err, block[1])
		whole, err := retrieved.AsConf()
		if err != nil {
			continue
		}
		require.True(t, whole.IsSet(path), "%s is not in\n%s", path, block[1])
		conf, err := whole.Sub(path)
		require.NoError(t, err, block[1])
		load(block[1], conf)
		found = true
	}
	require.True(t, found, "no configuration shown")
}

// EqualMetrics requires that the metrics read from reader whose names begin
// with prefix are those that begin a row of a table in the README: no more and
// no fewer.
func EqualMetrics(t testing.TB, reader metric.Reader, prefix string) {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	var emitted, listed []string
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if strings.HasPrefix(m.Name, prefix) {
				emitted = append(emitted, m.Name)
			}
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `("+regexp.QuoteMeta(prefix)+"[a-z0-9_]+)`").FindAllStringSubmatch(Text(t), -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(emitted)
	slices.Sort(listed)
	require.Equal(t, emitted, listed, "emitted on the left, the README's on the right")
}
