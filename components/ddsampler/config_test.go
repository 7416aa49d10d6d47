package ddsampler

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"go.yaml.in/yaml/v3"
)

func TestConfigErrorsSayTheKeyTheRuleAndTheValue(t *testing.T) {
	for text, want := range map[string]string{
		`mode: drop`:                                      `mode must be obey, mark or probabilistic, got "drop"`,
		`undecided_rate: 2`:                               `undecided_rate must be from 0 to 1, got 2`,
		`undecided_rate: half`:                            `undecided_rate must be a number from 0 to 1 or a list of {env, rate}, got half`,
		`undecided_rate: [{env: a}]`:                      `undecided_rate::0::rate must be from 0 to 1, got <nil>`,
		`undecided_rate: [{env: a, rate: -1}]`:            `undecided_rate::0::rate must be from 0 to 1, got -1`,
		`undecided_rate: [{service: a, rate: 1}]`:         `undecided_rate::0: unknown key "service", it must be env or rate`,
		`undecided_rate: [{rate: 1}, {env: "", rate: 0}]`: `undecided_rate::1: env "" is listed twice`,
		`undecided_rate: [1]`:                             `undecided_rate::0 must be {env, rate}, got 1`,
		`keep_errors_per_second: -1`:                      `keep_errors_per_second must be a number from 0, got -1`,
		`keep_errors_per_second: .nan`:                    `keep_errors_per_second must be a number from 0, got NaN`,
		`keep_errors_per_second: .inf`:                    `keep_errors_per_second must be a number from 0, got +Inf`,
		`keep_rare_per_second: -5`:                        `keep_rare_per_second must be at least 0, got -5`,
		`logs: drop`:                                      `logs must be keep, follow or mark, got "drop"`,
		`memory: {max_entries: 1}`:                        `memory::max_entries must be at least 2, got 1`,
		`memory: {ttl: 0s}`:                               `memory::ttl must be positive, got 0s`,
		`{}`:                                              ``,
		`undecided_rate: [{env: prod, rate: 0.1}]`:        ``,
		`{mode: probabilistic, undecided_rate: 0.25}`:     ``,
	} {
		err := load(t, text).Validate()
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, want, text)
		}
	}
}

func TestARateFromTheEnvironmentReplacesTheConfiguredOne(t *testing.T) {
	for value, want := range map[string]float64{"0.25": 0.25, "0": 0, "1": 1, "": 0.5, "x": 0.5, "1.5": 0.5, "-1": 0.5, "NaN": 0.5} {
		t.Setenv("SOME_RATE", value)
		core, logs := observer.New(zap.WarnLevel)
		table, err := load(t, `{undecided_rate: 0.5, rate_from_env: SOME_RATE}`).table(zap.New(core))
		require.NoError(t, err)
		require.Equal(t, want, table.For("any"), value)
		if want == 0.5 {
			require.Len(t, logs.All(), 1)
		} else {
			require.Empty(t, logs.All())
		}
	}
	core, logs := observer.New(zap.WarnLevel)
	table, err := load(t, `{undecided_rate: 0.5, rate_from_env: NOT_SET_ANYWHERE}`).table(zap.New(core))
	require.NoError(t, err)
	require.Equal(t, 0.5, table.For("any"))
	require.Len(t, logs.All(), 1)
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
