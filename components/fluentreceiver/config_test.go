package fluentreceiver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
)

func asOpaque(b []byte) configopaque.String { return configopaque.String(b) }

func file(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return name
}

func TestTheDefaultConfigurationIsValid(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, cfg.Validate())
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.False(t, cfg.TLS.HasValue())
	require.False(t, cfg.Security.HasValue())
	require.Equal(t, "tcp", cfg.transport())
}

func load(t testing.TB, m map[string]any) *Config {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(m).Unmarshal(cfg))
	return cfg
}

func TestEveryWrongKeyIsNamedWithItsRule(t *testing.T) {
	for want, m := range map[string]map[string]any{
		"transport must be tcp, tcp4, tcp6 or unix, got \"udp\"":                                                 {"transport": "udp"},
		"endpoint must be host:port or unix:///path, got \"\"":                                                   {"endpoint": ""},
		"read_timeout must be positive, got 0s":                                                                  {"read_timeout": "0s"},
		"max_wait must be positive, got -1s":                                                                     {"max_wait": "-1s"},
		"idle_timeout must not be negative, got -1s":                                                             {"idle_timeout": "-1s"},
		"max_connections must be positive, got 0":                                                                {"max_connections": 0},
		"max_message_bytes must not be negative, got -1":                                                         {"max_message_bytes": -1},
		"resource_from must hold kubernetes, docker, ecs or unified_tags, got \"pods\"":                          {"resource_from": []string{"pods"}},
		"partials must be join or pass, got \"drop\"":                                                            {"partials": "drop"},
		"multiline must hold java, python, go, node, dotnet, got \"cobol\"":                                      {"multiline": []string{"cobol"}, "storage": "s"},
		"multiline needs storage: the lines of a trace are acknowledged before the trace is whole":               {"multiline": []string{"java"}},
		"security::shared_key must be set, unless allow_anonymous is false and every client has one":             {"security": map[string]any{}},
		"security::users::0::password must be set":                                                               {"security": map[string]any{"shared_key": "k", "users": []any{map[string]any{"username": "u"}}}},
		"security::clients::0::network must be an address or a prefix, got \"a\"":                                {"security": map[string]any{"shared_key": "k", "clients": []any{map[string]any{"network": "a"}}}},
		"security::clients::0::users must be names of security::users, got \"u\"":                                {"security": map[string]any{"shared_key": "k", "clients": []any{map[string]any{"network": "10.0.0.1", "users": []string{"u"}}}}},
		"security::clients::0::shared_key must be set: there is no shared_key for all":                           {"security": map[string]any{"allow_anonymous": false, "clients": []any{map[string]any{"network": "10.0.0.1"}}}},
		"idle_timeout must be 0 with tls, got 1m0s: Fluent Bit loses data when an idle TLS connection is closed": {"idle_timeout": "1m", "tls": map[string]any{"cert_file": "c", "key_file": "k"}},
	} {
		require.EqualError(t, load(t, m).Validate(), want)
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	cfg := load(t, map[string]any{"security": map[string]any{"shared_key": "secret", "users": []any{map[string]any{"username": "u", "password": "secret"}}}})
	out := confmap.New()
	require.NoError(t, out.Marshal(cfg))
	require.NotContains(t, out.ToStringMap(), "secret")
	text, err := cfg.Security.Get().SharedKey.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "[REDACTED]", string(text))
	require.True(t, cfg.Security.Get().AllowAnonymous)
}
