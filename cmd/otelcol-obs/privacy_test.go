package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/components/obfuscate"
)

// What leaves the first collector, or lies on its disk, has been through obfuscate: it stands in every pipeline of every base and export, behind what
// completes ids. Logs meet dd_sampler before rum_link, so that a log of a dropped trace is not taken for one whose trace is missing.
func TestEveryShippedPipelineObfuscates(t *testing.T) {
	environment(t)
	for _, base := range files(t, "config/*.yaml") {
		for _, export := range append(files(t, "config/export/*.yaml"), "") {
			uris := []string{base}
			if export != "" {
				uris = append(uris, export)
			} else if filepath.Base(base) != "local.yaml" {
				continue
			}
			cfg, err := loaded(t, uris...)
			require.NoError(t, err)
			for id, p := range cfg.Service.Pipelines {
				if !slices.ContainsFunc(p.Receivers, func(id component.ID) bool { return cfg.Connectors[id] == nil }) {
					continue // another pipeline comes before
				}
				order := func(typ string) int {
					return slices.IndexFunc(p.Processors, func(id component.ID) bool { return id.Type().String() == typ })
				}
				name := filepath.Base(base) + " " + filepath.Base(export) + " " + id.String()
				require.NotEqual(t, -1, order("obfuscate"), name)
				require.Less(t, order("dd_propagation"), order("obfuscate"), name)
				require.Less(t, order("json_log"), order("obfuscate"), name)
				if id.Signal().String() == "logs" && order("rum_link") >= 0 {
					require.Less(t, order("dd_sampler"), order("rum_link"), name)
					require.NotEqual(t, -1, order("dd_sampler"), name)
				}
			}
		}
	}
}

// An Agent's environment variables mean here what they mean there.
func TestTheAgentReadsTheVariablesOfADatadogAgent(t *testing.T) {
	environment(t)
	for name, value := range map[string]string{
		"DD_APM_REPLACE_TAGS":                         `[{"name": "http.url", "pattern": "token/(.*)", "repl": "token/?"}]`,
		"DD_APM_FILTER_TAGS_REQUIRE":                  "env:prod db:sql",
		"DD_APM_FILTER_TAGS_REJECT":                   `["outcome:success result"]`,
		"DD_APM_IGNORE_RESOURCES":                     `(GET|POST) /healthcheck,"a,b"`,
		"DD_APM_OBFUSCATION_REDIS_REMOVE_ALL_ARGS":    "true",
		"DD_APM_OBFUSCATION_HTTP_REMOVE_QUERY_STRING": "true",
		"DD_APM_OBFUSCATION_CREDIT_CARDS_ENABLED":     "false",
		"DD_APM_SQL_OBFUSCATION_MODE":                 "obfuscate_and_normalize",
		"DD_APM_OBFUSCATION_MEMCACHED_KEEP_COMMAND":   "true",
	} {
		t.Setenv(name, value)
	}
	cfg, err := loaded(t, filepath.Join(root, "config/agent.yaml"), filepath.Join(root, "config/export/debug.yaml"))
	require.NoError(t, err)
	got := cfg.Processors[component.MustNewID("obfuscate")].(*obfuscate.Config)
	require.Equal(t, []obfuscate.ReplaceRule{{Name: "http.url", Pattern: "token/(.*)", Repl: "token/?"}}, got.ReplaceTags)
	require.True(t, got.Redis.RemoveAllArgs && got.HTTP.RemoveQueryString && got.Memcached.KeepCommand && !got.CreditCards.Enabled)
	require.EqualValues(t, "obfuscate_and_normalize", got.SQL.Mode)
	conf := confmap.New()
	require.NoError(t, conf.Marshal(got))
	require.EqualValues(t, []any{"env:prod", "db:sql"}, conf.Get("filter_tags::require"))
	require.EqualValues(t, []any{"outcome:success result"}, conf.Get("filter_tags::reject"))
	require.EqualValues(t, []any{"(GET|POST) /healthcheck", "a,b"}, conf.Get("ignore_resources"))
}
