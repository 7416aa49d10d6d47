package tagtruncate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func load(t *testing.T, files ...string) (*Config, error) {
	t.Helper()
	return loadUnder(t, "tag_truncate", files...)
}

// loadUnder is what files, laid over one another, say under key.
func loadUnder(t *testing.T, key string, files ...string) (*Config, error) {
	t.Helper()
	whole := confmap.New()
	for _, file := range files {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(file))
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		require.NoError(t, whole.Merge(conf))
	}
	sub, err := whole.Sub(key)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err := sub.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, cfg.Validate()
}

func TestEveryProfileIsValidAndNamesItself(t *testing.T) {
	require.NotEmpty(t, profiles)
	for name := range profiles {
		cfg, err := profile(name)
		require.NoError(t, err)
		require.NoError(t, cfg.Validate(), name)
		require.Equal(t, name, cfg.Profile)
	}
}

func TestAProfileIsSetByOneLineOverABase(t *testing.T) {
	for _, base := range []string{"tag_truncate:\n", "tag_truncate: {}\n", "tag_truncate: {profile: default}\n"} {
		cfg, err := load(t, base, "tag_truncate: {profile: datadog}\n")
		require.NoError(t, err)
		want := mustProfile(t, "datadog")
		require.Equal(t, &want, cfg)
	}
	cfg, err := load(t, "tag_truncate: {marker: …, span: {max_value: 7}, rules: {a: 4}}\n", "tag_truncate: {profile: datadog}\n")
	require.NoError(t, err)
	require.Equal(t, "…", cfg.Marker, "keys of the base stay")
	require.Equal(t, 7, cfg.Span.MaxValue)
	require.Equal(t, 200, cfg.Span.MaxKey)
	require.Equal(t, 25_000, cfg.Event.MaxValue)
	require.Equal(t, Rule{MaxValue: 4}, cfg.Rules["a"])
	require.Equal(t, Rule{MaxValue: 5000}, cfg.Rules["resource.name"], "rules of both")
}

func TestAnEmptyKeyLeavesTheProfile(t *testing.T) {
	cfg, err := load(t, "tag_truncate: {profile: , all: , rules: , span: , protected: , marker: }\n")
	require.NoError(t, err)
	require.Equal(t, createDefaultConfig(), cfg)
}

func TestAllSetsEveryScopeBeneathTheScopeItself(t *testing.T) {
	cfg, err := load(t, "tag_truncate: {all: {max_value: 9, max_key: 0}, event: {max_value: 5}}\n")
	require.NoError(t, err)
	for _, l := range cfg.everyLimits() {
		require.Zero(t, l.MaxKey)
		require.Equal(t, 16, l.MaxDepth)
	}
	require.Equal(t, 9, cfg.DataPoint.MaxValue)
	require.Equal(t, 5, cfg.Event.MaxValue)
}

func TestConfigErrorsNameTheKeyTheRuleAndWhatWasGiven(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"profile: datdog", `profile must be one of [dash0 datadog default `},
		{"unit: chars", `unit must be one of [runes bytes], got "chars"`},
		{"boundary: word", `boundary must be one of [rune grapheme], got "word"`},
		{"invalid_utf8: drop", `invalid_utf8 must be one of [repair repair_all keep], got "drop"`},
		{"span: {max_value: -1}", "span::max_value must not be negative, got -1"},
		{"all: {max_elements: -2}", "data_point::max_elements must not be negative, got -2"},
		{"log: {max_body_bytes: 9223372036854775807}", "log::max_body_bytes must be at most 1073741824 (0 is no limit), got 9223372036854775807"},
		{"{marker: '...[cut]', event: {max_value: 8}}", "event::max_value must exceed the marker's 8 runes while marker_inside is true, got 8"},
		{"{marker: …, log: {max_body_bytes: 3}}", "log::max_body_bytes must exceed the marker's 3 bytes while marker_inside is true, got 3"},
		{"rules: {a: {action: shorten}}", `rules::a::action must be one of [truncate drop hash], got "shorten"`},
		{"rules: {a: {action: drop, strip_query: true}}", `rules::a::strip_query goes with action truncate only, got "drop"`},
		{"rules: {a: -3}", "rules::a::max_value must not be negative, got -3"},
		{`rules: {"": 3}`, "rules must not hold an empty key"},
		{`protected: [""]`, "protected must not hold an empty key"},
		{"all: 7", "all must be a map of limits, got 7"},
		{"all: {max_values: 7}", "'tagtruncate.Limits' has invalid keys: max_values"},
		{"spans: {}", "has invalid keys: spans"},
		{"marker: !!binary /w==", `marker must be valid UTF-8, got "\xff"`},
	} {
		_, err := load(t, "tag_truncate:\n  "+c.config+"\n")
		require.ErrorContains(t, err, c.want, c.config)
	}
}

func TestAWildcardMatchesAnyNumberOfCharacters(t *testing.T) {
	for _, c := range []struct {
		glob, key string
		want      bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "x", true}, {"a*", "a", true}, {"a*", "ab", true}, {"a*", "ba", false},
		{"*a", "ba", true}, {"*a", "ab", false}, {"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "abcd", false}, {"*a*", "bab", true},
		{"a*b*c", "aXbYbZc", true}, {"**", "x", true}, {"a**b", "ab", true}, {"", "", true}, {"", "a", false}, {"*ab", "aab", true},
	} {
		require.Equal(t, c.want, match(c.glob, c.key), "%q %q", c.glob, c.key)
	}
}

func mustProfile(t *testing.T, name string) Config {
	t.Helper()
	c, err := profile(name)
	require.NoError(t, err)
	return c
}

// A number that nobody can look up is a rumour.
func TestEveryNumberOfAProfileHasItsSourceBesideIt(t *testing.T) {
	t.Parallel()
	number := regexp.MustCompile(`^\s*[a-z_.]+: \d+( # .*)?$`)
	for name, text := range profiles {
		if name == profileDefault {
			continue // its numbers are this project's own
		}
		for line := range strings.Lines(string(text)) {
			if m := number.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				require.Regexp(t, `https://|# ours: `, m[1], "%s: %s", name, line)
			}
		}
	}
}
