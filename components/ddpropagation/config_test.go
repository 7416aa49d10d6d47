package ddpropagation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.yaml.in/yaml/v3"
)

func TestConfigErrorsSayTheKeyTheRuleAndTheValue(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{`mode: w3c`, `mode must be to_w3c or to_datadog, got "w3c"`},
		{`traces: {tracestate: always}`, `traces::tracestate must be none or upsert, got "always"`},
		{`logs: {format: hex}`, `logs::format must be auto, decimal64 or hex128, got "hex"`},
		{`logs: {prefer: line}`, `logs::prefer must be resource or item, got "line"`},
		{`logs: {sources: []}`, `logs::sources must have 1 to 48 entries, got 0`},
		{`logs: {sources: [` + manySources(49) + `]}`, `logs::sources must have 1 to 48 entries, got 49`},
		{`logs: {sources: [{span_id: a}]}`, `logs::sources::0: trace_id must be names separated by dots, got ""`},
		{`logs: {sources: [{trace_id: a..b}]}`, `logs::sources::0: trace_id must be names separated by dots, got "a..b"`},
		{`logs: {sources: [{trace_id: a, span_id: .b}]}`, `logs::sources::0: span_id must be names separated by dots, got ".b"`},
		{`logs: {sources: [{trace_id: a}, {trace_id: a}]}`, `logs::sources::1: trace_id "a" and span_id "" are listed twice`},
		{`logs: {body: {max_body_bytes: -1}}`, `logs::body::max_body_bytes must be positive, got -1`},
		{`logs: {overwrite_existing: true, keep_attributes: false}`, `logs::overwrite_existing needs logs::keep_attributes: once the attribute is gone, the id it overwrote cannot be told from its own`},
		{`trace_id_cache: {max_entries: 0}`, `trace_id_cache::max_entries must be positive, got 0`},
		{`trace_id_cache: {ttl: 0s}`, `trace_id_cache::ttl must be positive, got 0s`},
		{`trace_id_cache: {enabled: false, share_with_logs: true}`, `trace_id_cache::share_with_logs needs trace_id_cache::enabled`},
		{`{}`, ``},
		{`trace_id_cache: {enabled: false, max_entries: 0, ttl: 0s}`, ``},
		{`logs: {body: {json: false, max_body_bytes: 0}}`, ``},
	} {
		cfg := load(t, c.yaml)
		if c.want == "" {
			require.NoError(t, cfg.Validate(), c.yaml)
		} else {
			require.EqualError(t, cfg.Validate(), c.want, c.yaml)
		}
	}
}

func TestConfigErrorsComeTogether(t *testing.T) {
	err := load(t, "mode: x\ntraces: {tracestate: y}").Validate()
	require.ErrorContains(t, err, "mode must be")
	require.ErrorContains(t, err, "traces::tracestate must be")
}

func TestSourcesReplaceTheDefaultOnes(t *testing.T) {
	require.Equal(t, []Source{{TraceID: "a.b"}}, load(t, `logs: {sources: [{trace_id: a.b}]}`).Logs.Sources)
}

func TestDatadogModeIsForLogs(t *testing.T) {
	cfg := load(t, "mode: to_datadog")
	require.NoError(t, cfg.Validate())
	_, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(typ), cfg, consumertest.NewNop())
	require.ErrorContains(t, err, "mode to_datadog is for logs")
	oursLogs(t, cfg)
}

func TestDefaultConfigIsSound(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, cfg.(*Config).Validate())
}

func manySources(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{trace_id: a%d},", i)
	}
	return b.String()
}

// load reads YAML over the default config, as the collector does.
func load(t testing.TB, text string) *Config {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw), text)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg), text)
	return cfg
}
