package fluentreceiver

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/server"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

// Every configuration the README shows is loaded and validated.
func TestREADMEShowsWhatLoads(t *testing.T) {
	text := readmetest.Text(t)
	shown := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(receivers:.*?)```").FindAllStringSubmatch(text, -1) {
		expanded := regexp.MustCompile(`\$\{env:[A-Z_]+\}`).ReplaceAllString(block[1], "secret")
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(expanded))
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		sub, err := conf.Sub("receivers::fluent")
		require.NoError(t, err)
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, sub.Unmarshal(cfg), block[1])
		require.NoError(t, cfg.Validate(), block[1])
		shown++
	}
	require.Equal(t, 2, shown)
}

// The table of keys has every key, with its default.
func TestREADMEListsEveryKeyWithItsDefault(t *testing.T) {
	text := readmetest.Text(t)
	cfg := createDefaultConfig().(*Config)
	conf := confmap.New()
	require.NoError(t, conf.Marshal(cfg))
	for key, value := range conf.ToStringMap() {
		row := regexp.MustCompile("(?m)^\\| [^|]*`" + key + "`[^|]*\\| ([^|]*) \\|").FindStringSubmatch(text)
		switch key {
		case "dialer":
			continue // of the client's side of an address
		case "tls", "security", "storage":
			require.NotNil(t, row, key)
			require.Equal(t, "none", row[1], key)
			continue
		}
		require.NotNil(t, row, key)
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				require.Contains(t, row[1], fmt.Sprint(item), key)
			}
		case []string:
			for _, item := range v {
				require.Contains(t, row[1], item, key)
			}
		case nil:
			require.Equal(t, "`[]`", row[1], key)
		default:
			if want, err := time.ParseDuration(fmt.Sprint(value)); err == nil {
				got, err := time.ParseDuration(strings.Trim(row[1], "`"))
				require.NoError(t, err, key)
				require.Equal(t, want, got, key)
				continue
			}
			require.Contains(t, row[1], fmt.Sprint(value), key)
		}
	}
}

func TestREADMENamesEveryReason(t *testing.T) {
	text := readmetest.Text(t)
	for _, what := range decode.Unreadables {
		require.Contains(t, text, "`"+what+"`")
	}
	for _, reason := range []server.Reason{server.Busy, server.Pipeline, server.Permanent, server.TooLarge, server.Malformed, server.Timeout, server.Auth, server.TLS, server.Connections, server.Aborted} {
		require.Contains(t, text, "`"+string(reason)+"`")
	}
}
