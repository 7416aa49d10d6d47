package obfuscate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestConfigErrorsSayTheKeyTheRuleAndTheValue(t *testing.T) {
	for text, want := range map[string]string{
		`sql: {mode: legacy}`:                     `sql::mode must be agent, obfuscate_and_normalize, obfuscate_only or off, got "legacy"`,
		`sql: {per_system: {redis: {}}}`:          `sql::per_system: "redis" is no SQL database`,
		`max_text_bytes: 10`:                      `max_text_bytes must be at least 256, got 10`,
		`cache_bytes: -1`:                         `cache_bytes must not be negative, got -1`,
		`replace_tags: [{pattern: a}]`:            `replace_tags::0::name must be an attribute, resource.name or *, got ""`,
		`replace_tags: [{name: a}]`:               `replace_tags::0::pattern must be a regular expression, got ""`,
		`replace_tags: [{name: a, pattern: "("}]`: "replace_tags::0::pattern must be a regular expression, got \"(\": error parsing regexp: missing closing ): `(`",
		`ignore_resources: ["("]`:                 "ignore_resources::0 must be a regular expression, got \"(\": error parsing regexp: missing closing ): `(`",
		`filter_tags: {require: [":x"]}`:          `filter_tags::require::0 must be key or key:value, got ":x"`,
		`filter_tags_regex: {reject: ["a:("]}`:    "filter_tags_regex::reject::0 must have a regular expression as value, got \"a:(\": error parsing regexp: missing closing ): `(`",
		`{}`:                                      ``,
		`{sql: {mode: "off"}, cache_bytes: 0}`:    ``,
	} {
		err := load(t, text).Validate()
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, want, text)
		}
	}
}

// The Agent's environment variables are one text each.
func TestListsMayBeOneText(t *testing.T) {
	cfg := load(t, `
filter_tags: {require: "env:prod db:sql", reject: '["a b:c", "d"]'}
ignore_resources: '(GET|POST) /health,"a,b"'
`)
	require.NoError(t, cfg.Validate())
	require.Equal(t, blankList{"env:prod", "db:sql"}, cfg.FilterTags.Require)
	require.Equal(t, blankList{"a b:c", "d"}, cfg.FilterTags.Reject)
	require.Equal(t, csvList{"(GET|POST) /health", "a,b"}, cfg.IgnoreResources)
	require.Empty(t, load(t, `ignore_resources: ""`).IgnoreResources)
}

func load(t testing.TB, text string) *Config {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw), text)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg), text)
	return cfg
}

func TestReadmeConfigurationsLoad(t *testing.T) {
	readmetest.Configs(t, "processors", "obfuscate", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestReadmeListsEveryMetric(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	goldentest.Config(t, "testdata/traces/local_roots", cfg)
	p := newPipelines(t, cfg)
	p.traces(t, goldentest.Traces(t, "testdata/traces/local_roots/in.yaml"))
	cfg.FilterTags, cfg.FilterTagsRegex, cfg.IgnoreResources = FilterConfig{}, FilterConfig{}, nil
	p.tracesSink.Reset()
	p.logs(t, goldentest.Logs(t, "testdata/logs/attributes/in.yaml"))
	readmetest.EqualMetrics(t, p.tel.Reader, "otelcol_processor_obfuscate_")
}

func TestReadmeListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		if strings.HasPrefix(key, "elasticsearch::") || strings.HasPrefix(key, "opensearch::") {
			continue // as mongodb
		}
		require.Contains(t, readmetest.Text(t), "`"+key+"`")
	}
}
