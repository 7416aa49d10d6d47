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

// Configs hands load every configuration the README shows of a component, such
// as kind "processors" and typ "json_log", with or without a name, and the YAML
// block it stands in. Every block must show one, but for blocks that are a
// list: those show data.
func Configs(t testing.TB, kind, typ string, load func(block string, conf *confmap.Conf)) {
	t.Helper()
	found := false
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(Text(t), -1) {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(block[1]))
		require.NoError(t, err, block[1])
		whole, err := retrieved.AsConf()
		if err != nil {
			continue
		}
		components, err := whole.Sub(kind)
		require.NoError(t, err, block[1])
		shown := false
		for id := range components.ToStringMap() {
			if got, _, _ := strings.Cut(id, "/"); got == typ {
				conf, err := components.Sub(id)
				require.NoError(t, err, block[1])
				load(block[1], conf)
				shown = true
			}
		}
		require.True(t, shown, "no %s in\n%s", typ, block[1])
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
