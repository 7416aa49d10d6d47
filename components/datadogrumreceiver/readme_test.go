package datadogrumreceiver

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

// Every configuration in the README loads, and what it calls the default is the default.
func TestReadmeConfigurationsLoad(t *testing.T) {
	readmetest.Configs(t, "receivers", "datadog_rum", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
		if strings.Contains(block, "the default") {
			require.Equal(t, createDefaultConfig(), cfg)
		}
	})
}

// The table of keys is the configuration's own list of keys, with its defaults.
func TestReadmeListsEveryKeyAndDefault(t *testing.T) {
	conf, server := confmap.New(), confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	require.NoError(t, server.Marshal(confighttp.NewDefaultServerConfig()))
	inherited := append(server.AllKeys(), "read_timeout")
	want := map[string]string{"endpoint": "`localhost:12722`", "paths": "below", "privacy::context_deny": "below", "storage": "none", "client_tokens": "`{}`"}
	for _, key := range conf.AllKeys() {
		top, _, _ := strings.Cut(key, "::")
		if _, said := want[key]; said || slices.Contains(inherited, key) || top == "paths" || top == "client_tokens" {
			continue
		}
		want[key] = "`" + toText(t, conf.Get(key)) + "`"
	}
	got := map[string]string{}
	section := strings.Split(strings.Split(readmetest.Text(t), "## Configuration")[1], "## Answers")[0]
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_:]+)` \\| (.+?) \\|").FindAllStringSubmatch(section, -1) {
		got[row[1]] = row[2]
	}
	require.Equal(t, want, got)
}

func toText(t *testing.T, v any) string {
	t.Helper()
	if list, ok := v.([]any); ok {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = toText(t, list[i])
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	raw, err := yaml.Marshal(v)
	require.NoError(t, err)
	return strings.TrimSpace(string(raw))
}

// The README's metrics and their attributes are those that are emitted, no more and no fewer.
func TestReadmeListsEveryMetric(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.RateLimit.PerToken = 4
		cfg.Passthrough.Enabled, cfg.Passthrough.Endpoint = true, newDatadog(t).URL
		cfg.Passthrough.Tracks = []string{"replay"}
	}).start(nil)
	g.post(joinLines(clickLine, fetchLine, request(9, "", 0)))
	g.post(joinLines(clickLine, fetchLine, request(9, "", 0)))
	g.send(http.MethodPost, "/api/v2/replay", "x")
	g.send(http.MethodPost, "/api/v2/logs", "x")
	g.send(http.MethodPost, "/rum?dd-api-key=pub1&batch_time=1795168800000", "")
	for range 20 {
		g.post("")
	}
	g.flush(time.Minute)
	{ // what only a failure counts
		tel, ctx := g.rum.tel, context.Background()
		tel.ReceiverDatadogRumPassthroughLost.Add(ctx, 1, tel.self)
		tel.ReceiverDatadogRumLateEvents.Add(ctx, 1, tel.self)
		tel.ReceiverDatadogRumEvictions.Add(ctx, 1, tel.heldAction)
		tel.ReceiverDatadogRumHeldRefused.Add(ctx, 1, tel.heldAction)
		tel.ReceiverDatadogRumDroppedActions.Add(ctx, 1, tel.self)
		tel.ReceiverDatadogRumStorageErrors.Add(ctx, 1, tel.self)
		tel.ReceiverDatadogRumSourceMaps.Add(ctx, 1, tel.mapped[0])
	}
	readmetest.EqualMetrics(t, g.tel.Reader, metricPrefix)
	for o := range session.Outcomes {
		require.Contains(t, readmetest.Text(t), "`"+o.String()+"`")
	}
}

// The shop's traces are what the test in Chromium compares with what a backend got.
func TestReadmeShowsTheShopAsItsTestSeesIt(t *testing.T) {
	tree, err := os.ReadFile("../../tests/e2e/clients/testdata/shop.txt")
	require.NoError(t, err)
	require.Contains(t, readmetest.Text(t), "```\n"+string(tree)+"```\n")
}
