package durablestorage

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestREADMEShowsWhatLoads(t *testing.T) {
	readmetest.Configs(t, "extensions", "durable_storage", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestREADMEListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readmetest.Text(t), "| `"+key+"` |")
	}
	require.Len(t, regexp.MustCompile("(?m)^\\| `[a-z_:]+` \\| `").FindAllString(readmetest.Text(t), -1), len(conf.AllKeys()), "the README has keys that do not exist")
}

// Every test that the table of promises names must exist.
func TestREADMENamesTestsThatExist(t *testing.T) {
	var source strings.Builder
	for _, dir := range []string{".", "internal/bolt", "../retrypolicy", "../../tests/e2e/crash", "../../tests/e2e/clients"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(b)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(readmetest.Text(t), -1)
	require.Greater(t, len(named), 10)
	for _, n := range named {
		require.Contains(t, source.String(), "func "+n[1]+"(t *testing.T)", n[1])
	}
}
