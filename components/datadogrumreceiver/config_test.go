package datadogrumreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
)

func TestTheDefaultIsValid(t *testing.T) {
	require.NoError(t, createDefaultConfig().(*Config).Validate())
}

func TestMistakesAreNamed(t *testing.T) {
	for want, edit := range map[string]func(*Config){
		`max_event_bytes must be positive, got 0`:                                                                           func(c *Config) { c.MaxEventBytes = 0 },
		`max_request_body_size must be positive, got -1`:                                                                    func(c *Config) { c.MaxRequestBodySize = -1 },
		`paths must name tracks in lower-case letters, got "RUM"`:                                                           func(c *Config) { c.Paths["RUM"] = nil },
		`paths::rum must begin with /, got "rum"`:                                                                           func(c *Config) { c.Paths["rum"] = []string{"rum"} },
		`paths must give a path to one track, got "/rum" for both replay and rum`:                                           func(c *Config) { c.Paths["replay"] = []string{"/rum"} },
		`trusted_proxies must be networks such as 10.0.0.0/8, got "10.0.0.1"`:                                               func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"} },
		`client_tokens must not hold an empty token`:                                                                        func(c *Config) { c.ClientTokens = map[string]intake.TokenConfig{"": {}} },
		`rate_limit::per_ip must not be negative, got -1`:                                                                   func(c *Config) { c.RateLimit.PerIP = -1 },
		`actions::span must be per_trace or separate, got "first"`:                                                          func(c *Config) { c.Actions.Span = "first" },
		`actions::wait must be positive, got 0s`:                                                                            func(c *Config) { c.Actions.Wait = 0 },
		`actions::remember must be at least actions::wait and actions::missing, got 1s`:                                     func(c *Config) { c.Actions.Remember = time.Second },
		`actions::deny must be globs, got "[": unexpected end of input`:                                                     func(c *Config) { c.Actions.Deny = []string{"["} },
		`infer_actions windows must not be negative, got before -1s, after 100ms, effect 250ms`:                             func(c *Config) { c.InferActions.Before = -time.Second },
		`session_replay_url must be a URL with {session.id}, {application.id}, {view.id}, {time}, got "https://x/{usr.id}"`: func(c *Config) { c.SessionReplayURL = "https://x/{usr.id}" },
		`raw must be keep, minimal or drop, got "some"`:                                                                     func(c *Config) { c.Raw = "some" },
		`vitals::temporality must be cumulative or delta, got ""`:                                                           func(c *Config) { c.Vitals.Temporality = "" },
		`views::coalesce must be positive, got 0s`:                                                                          func(c *Config) { c.Views.Coalesce = 0 },
		`source_maps::max_cached_bytes must be positive, got 0`:                                                             func(c *Config) { c.SourceMaps.MaxCachedBytes = 0 },
		`resources::untraced must be event or drop, got "span"`:                                                             func(c *Config) { c.Resources.Untraced = "span" },
		`privacy::client_ip must be drop, truncate or keep, got ""`:                                                         func(c *Config) { c.Privacy.ClientIP = "" },
		`privacy::user::email must be keep or drop, got "hash"`:                                                             func(c *Config) { c.Privacy.User.Email = "hash" },
		`datadog_passthrough::site must be a Datadog site such as datadoghq.eu, got "https://evil.example/"`:                func(c *Config) { c.Passthrough.Enabled, c.Passthrough.Site = true, "https://evil.example/" },
		`datadog_passthrough::endpoint must be a scheme and host such as https://proxy.example, got "x"`:                    func(c *Config) { c.Passthrough.Enabled, c.Passthrough.Endpoint = true, "x" },
		`datadog_passthrough::mode must be sync or async, got "maybe"`:                                                      func(c *Config) { c.Passthrough.Enabled, c.Passthrough.Mode = true, "maybe" },
		`datadog_passthrough::tracks must name a track when the pass-through is enabled`:                                    func(c *Config) { c.Passthrough.Enabled, c.Passthrough.Tracks = true, nil },
		`datadog_passthrough::queue_bytes must be at least max_request_body_size, got 1`:                                    func(c *Config) { c.Passthrough.Enabled, c.Passthrough.QueueBytes = true, 1 },
	} {
		cfg := createDefaultConfig().(*Config)
		edit(cfg)
		require.EqualError(t, cfg.Validate(), want)
	}
}
