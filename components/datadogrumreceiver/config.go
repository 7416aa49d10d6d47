package datadogrumreceiver

import (
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/lifetime"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/sourcemaps"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// Config is what the user writes under receivers::datadog_rum.
type Config struct {
	confighttp.ServerConfig `mapstructure:",squash"`

	// Paths lists, for each track (rum, replay, logs, …), the URL paths it is received on besides any path with ?ddforward=.
	Paths map[string][]string `mapstructure:"paths"`
	// MaxEventBytes is the longest single event that is converted; a longer one is refused and the rest of its body is kept.
	MaxEventBytes int `mapstructure:"max_event_bytes"`
	// ClientTokens are the tokens that may send. Empty means that every token may.
	ClientTokens map[string]intake.TokenConfig `mapstructure:"client_tokens"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []string `mapstructure:"trusted_proxies"`
	// RateLimit bounds requests per second.
	RateLimit intake.RateLimitConfig `mapstructure:"rate_limit"`
	// Actions says how action spans are made.
	Actions action.Config `mapstructure:"actions"`
	// InferActions links requests and actions by time where the SDK does not link them.
	InferActions infer.Config `mapstructure:"infer_actions"`
	// Resources says what becomes of requests.
	Resources convert.ResourcesConfig `mapstructure:"resources"`
	// Raw is keep, minimal or drop: what becomes of what has no name in the semantic conventions.
	Raw convert.RawMode `mapstructure:"raw"`
	// SessionReplayURL is a template of the URL at which a recorded session can be seen: {session.id}, {application.id}, {view.id}, {time} (ms).
	SessionReplayURL string `mapstructure:"session_replay_url"`
	// Views says when the versions of a view become records.
	Views view.Config `mapstructure:"views"`
	// Sessions says when a session is over.
	Sessions lifetime.Config `mapstructure:"sessions"`
	// Vitals says how web vitals are reported as metrics.
	Vitals vitals.Config `mapstructure:"vitals"`
	// Skew corrects clocks that are wrong.
	Skew intake.SkewConfig `mapstructure:"skew"`
	// MaxEventAge is the age beyond which an event becomes a log record marked rum.late instead of a span.
	MaxEventAge time.Duration `mapstructure:"max_event_age"`
	// Dedupe bounds the memory of what was already converted.
	Dedupe session.DedupeConfig `mapstructure:"dedupe"`
	// Privacy says what of the user is kept on the OTLP side.
	Privacy event.PrivacyConfig `mapstructure:"privacy"`
	// Passthrough hands the original request on to Datadog.
	Passthrough intake.PassthroughConfig `mapstructure:"datadog_passthrough"`
	// SourceMaps says where the maps of minified scripts are.
	SourceMaps sourcemaps.Config `mapstructure:"source_maps"`
	// Storage is the storage extension that keeps held views and actions over a crash.
	Storage *component.ID `mapstructure:"storage"`
}

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "localhost:12722"
	server.MaxRequestBodySize = 10 << 20
	server.ReadTimeout = 30 * time.Second
	server.ReadHeaderTimeout = 10 * time.Second
	return &Config{
		ServerConfig: server,
		Paths: map[string][]string{
			"rum":    {"/api/v2/rum", "/rum"},
			"replay": {"/api/v2/replay"},
			"logs":   {"/api/v2/logs"},
		},
		MaxEventBytes: 1 << 20,
		RateLimit:     intake.RateLimitConfig{PerToken: 500, PerIP: 50, MaxKeys: 50_000},
		Actions: action.Config{
			Span: action.SpanPerTrace, Wait: 45 * time.Second, Missing: 90 * time.Second, Remember: 10 * time.Minute,
			MaxHeld: 20_000, MaxHeldBytes: 64 << 20, PerSession: 20,
		},
		InferActions: infer.Config{
			Sources: []string{"browser", "ios", "android", "react-native", "flutter"},
			Before:  100 * time.Millisecond, After: 100 * time.Millisecond, Effect: 250 * time.Millisecond,
		},
		Resources:   convert.ResourcesConfig{Untraced: "event"},
		Raw:         convert.RawMinimal,
		Views:       view.Config{Coalesce: 30 * time.Second, Settle: 30 * time.Second, Idle: 6 * time.Minute, MaxHeld: 20_000, MaxHeldBytes: 128 << 20},
		Sessions:    lifetime.Config{Idle: 15 * time.Minute, MaxHeld: 20_000},
		Vitals:      vitals.Config{Temporality: vitals.Cumulative},
		Skew:        intake.SkewConfig{Correct: true, Threshold: 2 * time.Second},
		SourceMaps:  sourcemaps.Config{MaxCachedBytes: 128 << 20},
		MaxEventAge: 18 * time.Hour,
		Dedupe:      session.DedupeConfig{TTL: time.Hour, MaxEvents: 200_000, MaxBodies: 20_000},
		Privacy: event.PrivacyConfig{
			ClientIP: "drop",
			User:     event.UserConfig{ID: "keep", Name: "drop", Email: "drop", AnonymousID: "keep", Other: "drop"},
			URLQuery: "redact",
			ContextDeny: []string{
				"*password*", "*passwd*", "*secret*", "*token*", "*authorization*", "*cookie*", "*api_key*", "*apikey*",
				"*email*", "*phone*", "*ssn*", "*iban*", "*card_number*", "*cardnumber*", "*cvv*",
			},
		},
		Passthrough: intake.PassthroughConfig{
			Site: "datadoghq.com", Tracks: []string{"rum", "replay", "logs", "profile", "exposures", "flagevaluation"},
			Mode: "sync", Timeout: 10 * time.Second, QueueBytes: 64 << 20, MaxElapsed: 15 * time.Minute,
		},
	}
}
