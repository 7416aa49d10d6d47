package tagtruncate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The limits of the shipped configurations, whatever the backend, except where
// its own are known: Datadog's. An agent before a gateway does not limit at all.
func TestEveryShippedConfigurationHasItsLimits(t *testing.T) {
	bases, err := filepath.Glob("../../config/*.yaml")
	require.NoError(t, err)
	exports, err := filepath.Glob("../../config/export/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, bases)
	require.NotEmpty(t, exports)
	for _, base := range bases {
		requireShippedLimits(t, base)
		for _, export := range exports {
			switch filepath.Base(export) {
			case "datadog.yaml", "datadog-otlp.yaml", "datadog-contrib.yaml":
				want := mustProfile(t, "datadog")
				require.Equal(t, &want, shipped(t, base, export), "%s %s", base, export)
			case "kafka.yaml":
				// One log must fit into a message.
				require.Equal(t, 512<<10, shipped(t, base, export).Log.MaxBodyBytes, base)
				requireShippedTagLimits(t, base, export)
			default:
				requireShippedLimits(t, base, export)
			}
		}
	}
}

func requireShippedLimits(t *testing.T, files ...string) {
	t.Helper()
	require.Zero(t, shipped(t, files...).Log.MaxBodyBytes, files)
	requireShippedTagLimits(t, files...)
}

func requireShippedTagLimits(t *testing.T, files ...string) {
	t.Helper()
	cfg := shipped(t, files...)
	require.Equal(t, unitRunes, cfg.Unit, files)
	for _, l := range cfg.everyLimits() {
		require.Equal(t, 1024, l.MaxValue, files)
	}
	long := map[string]Rule{}
	for _, key := range []string{
		"exception.stacktrace", "error.stack", "error.message", "exception.message",
		"db.query.text", "db.statement", "resource.name", "log.record.original",
	} {
		long[key] = Rule{MaxValue: 32_768}
	}
	require.Equal(t, long, cfg.Rules, files)
}

// shipped is what the --config flags of files say about this processor.
func shipped(t *testing.T, files ...string) *Config {
	t.Helper()
	var texts []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		texts = append(texts, string(raw))
	}
	cfg, err := loadUnder(t, "processors::tag_truncate", texts...)
	require.NoError(t, err, files)
	return cfg
}
