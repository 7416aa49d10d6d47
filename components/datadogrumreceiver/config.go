package datadogrumreceiver

import (
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
)

// Config is what the user writes under receivers::datadog_rum.
type Config struct {
	confighttp.ServerConfig `mapstructure:",squash"`

	// Paths lists, for each track (rum, replay, logs, …), the URL paths it is received on besides any path with ?ddforward=.
	Paths map[string][]string `mapstructure:"paths"`
	// MaxEventBytes is the longest single event that is converted; a longer one is refused and the rest of its body is kept.
	MaxEventBytes int `mapstructure:"max_event_bytes"`
	// MaxInFlightBytes bounds the bodies that are in memory at one time, as they came and decoded; beyond it senders are told to come again.
	MaxInFlightBytes int64 `mapstructure:"max_in_flight_bytes"`
	// ClientTokens are the tokens that may send. Empty means that every token may.
	ClientTokens map[string]TokenConfig `mapstructure:"client_tokens"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []string `mapstructure:"trusted_proxies"`
	// RateLimit bounds requests per second.
	RateLimit RateLimitConfig `mapstructure:"rate_limit"`
	// Actions says how action spans are made.
	Actions ActionsConfig `mapstructure:"actions"`
	// InferActions links requests and actions by time where the SDK does not link them.
	InferActions InferConfig `mapstructure:"infer_actions"`
	// Resources says what becomes of requests.
	Resources ResourcesConfig `mapstructure:"resources"`
	// Views says how the versions of a view become one record.
	Views ViewsConfig `mapstructure:"views"`
	// Skew corrects clocks that are wrong.
	Skew SkewConfig `mapstructure:"skew"`
	// MaxEventAge is the age beyond which an event becomes a log record marked rum.late instead of a span.
	MaxEventAge time.Duration `mapstructure:"max_event_age"`
	// Dedupe bounds the memory of what was already converted.
	Dedupe DedupeConfig `mapstructure:"dedupe"`
	// Privacy says what of the user is kept on the OTLP side.
	Privacy PrivacyConfig `mapstructure:"privacy"`
	// Passthrough hands the original request on to Datadog.
	Passthrough PassthroughConfig `mapstructure:"datadog_passthrough"`
	// Storage is the storage extension that keeps held views and actions over a crash.
	Storage *component.ID `mapstructure:"storage"`
}

// TokenConfig is what one client token may do.
type TokenConfig struct {
	// ApplicationIDs are the RUM applications the token may report for. Empty means all.
	ApplicationIDs []string `mapstructure:"application_ids"`
	// Tenant is written to the resource attribute tenant.id.
	Tenant string `mapstructure:"tenant"`
}

// RateLimitConfig bounds requests per second; a bucket holds two seconds' worth.
type RateLimitConfig struct {
	// PerToken is the number of requests per second one client token may make; 0 means no limit.
	PerToken float64 `mapstructure:"per_token"`
	// PerIP is the number of requests per second one IPv4 address or IPv6 /64 may make; 0 means no limit.
	PerIP float64 `mapstructure:"per_ip"`
	// MaxKeys is the number of tokens, and of addresses, that are remembered at a time.
	MaxKeys int `mapstructure:"max_keys"`
}

// ActionsConfig says how action spans are made, and which.
type ActionsConfig struct {
	// Span is per_trace (a root span in every trace the action started) or separate (one span in a trace of its own, linked).
	Span string `mapstructure:"span"`
	// Wait is how long an action waits for a first trace before it leaves in a trace of its own.
	Wait time.Duration `mapstructure:"wait"`
	// Missing is how long a trace waits for its action before a placeholder takes its place.
	Missing time.Duration `mapstructure:"missing"`
	// Remember is how long an action stays known for requests that end late.
	Remember time.Duration `mapstructure:"remember"`
	// MaxHeld is the number of actions remembered at a time.
	MaxHeld int `mapstructure:"max_held"`
	// MaxHeldBytes bounds the text of the actions remembered.
	MaxHeldBytes int `mapstructure:"max_held_bytes"`
	// Allow are globs on action names; when set, only matching actions are kept.
	Allow []string `mapstructure:"allow"`
	// Deny are globs on action names that are dropped; deny beats allow.
	Deny []string `mapstructure:"deny"`
	// PerSession is the number of actions per second one session may report; 0 means no limit.
	PerSession float64 `mapstructure:"per_session"`
}

// InferConfig is the time window inside which an action and a request of the same view belong together.
type InferConfig struct {
	// Sources are the values of `source` to infer for; empty switches inference off.
	Sources []string `mapstructure:"sources"`
	// Before is how long before a request's start its action may lie.
	Before time.Duration `mapstructure:"before"`
	// After is how long after a request's start its action may lie.
	After time.Duration `mapstructure:"after"`
	// Effect is how long after a request's end an action counts as its effect.
	Effect time.Duration `mapstructure:"effect"`
}

// ResourcesConfig says what becomes of requests.
type ResourcesConfig struct {
	// Untraced is event or drop: what becomes of a request that carries no trace id.
	Untraced string `mapstructure:"untraced"`
}

// ViewsConfig says how the versions of a view become one record.
type ViewsConfig struct {
	// Settle is how long an ended view waits for versions that overtook one another.
	Settle time.Duration `mapstructure:"settle"`
	// Idle is how long a view that was not ended is held after its last version. SDKs repeat a living view every 5 minutes.
	Idle time.Duration `mapstructure:"idle"`
	// MaxHeld is the number of views held at a time.
	MaxHeld int `mapstructure:"max_held"`
	// MaxHeldBytes bounds the text of the views held.
	MaxHeldBytes int `mapstructure:"max_held_bytes"`
}

// SkewConfig corrects the clocks of browsers, which say when they sent a batch.
type SkewConfig struct {
	// Correct switches the correction on.
	Correct bool `mapstructure:"correct"`
	// Threshold is the difference that is put down to the network.
	Threshold time.Duration `mapstructure:"threshold"`
}

// DedupeConfig bounds the memory of what was already converted.
type DedupeConfig struct {
	// TTL is how long a body or event is remembered.
	TTL time.Duration `mapstructure:"ttl"`
	// MaxEvents is the number of events remembered at a time.
	MaxEvents int `mapstructure:"max_events"`
	// MaxBodies is the number of bodies remembered at a time.
	MaxBodies int `mapstructure:"max_bodies"`
}

// PrivacyConfig says what of the user is kept on the OTLP side. It does not touch what passes through to Datadog.
type PrivacyConfig struct {
	// ClientIP is drop, truncate (IPv4 /24, IPv6 /48) or keep.
	ClientIP string `mapstructure:"client_ip"`
	// User says what of usr is kept.
	User UserConfig `mapstructure:"user"`
	// URLQuery is redact (names stay, values go), drop or keep; it holds for every URL in every text.
	URLQuery string `mapstructure:"url_query"`
	// ContextDeny are globs on the dotted path inside context, usr, account and feature_flags, any case; what matches is dropped.
	ContextDeny []string `mapstructure:"context_deny"`
}

// UserConfig is keep or drop for each field of usr and account.
type UserConfig struct {
	ID          string `mapstructure:"id"`
	Name        string `mapstructure:"name"`
	Email       string `mapstructure:"email"`
	AnonymousID string `mapstructure:"anonymous_id"`
	// Other is every further field an application put on the user.
	Other string `mapstructure:"other"`
}

// PassthroughConfig hands the original request on to Datadog.
type PassthroughConfig struct {
	// Enabled switches the pass-through on.
	Enabled bool `mapstructure:"enabled"`
	// Site is the Datadog site, such as datadoghq.com or datadoghq.eu; it alone decides the host.
	Site string `mapstructure:"site"`
	// Endpoint replaces the host made from site: a forward proxy of yours or a test.
	Endpoint string `mapstructure:"endpoint"`
	// Tracks are the tracks that are handed on.
	Tracks []string `mapstructure:"tracks"`
	// Mode is sync (the SDK reads Datadog's answer) or async (a queue in memory).
	Mode string `mapstructure:"mode"`
	// Timeout bounds one request to Datadog.
	Timeout time.Duration `mapstructure:"timeout"`
	// QueueBytes bounds the queue of mode async.
	QueueBytes int `mapstructure:"queue_bytes"`
	// MaxElapsed is how long mode async retries one request.
	MaxElapsed time.Duration `mapstructure:"max_elapsed"`
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
		MaxEventBytes: 1 << 20, MaxInFlightBytes: 256 << 20,
		RateLimit: RateLimitConfig{PerToken: 500, PerIP: 50, MaxKeys: 50_000},
		Actions: ActionsConfig{
			Span: spanPerTrace, Wait: 45 * time.Second, Missing: 90 * time.Second, Remember: 10 * time.Minute,
			MaxHeld: 20_000, MaxHeldBytes: 64 << 20, PerSession: 20,
		},
		InferActions: InferConfig{
			Sources: []string{"browser", "ios", "android", "react-native", "flutter"},
			Before:  100 * time.Millisecond, After: 100 * time.Millisecond, Effect: 250 * time.Millisecond,
		},
		Resources:   ResourcesConfig{Untraced: "event"},
		Views:       ViewsConfig{Settle: 30 * time.Second, Idle: 6 * time.Minute, MaxHeld: 20_000, MaxHeldBytes: 128 << 20},
		Skew:        SkewConfig{Correct: true, Threshold: 2 * time.Second},
		MaxEventAge: 18 * time.Hour,
		Dedupe:      DedupeConfig{TTL: time.Hour, MaxEvents: 200_000, MaxBodies: 20_000},
		Privacy: PrivacyConfig{
			ClientIP: "drop",
			User:     UserConfig{ID: "keep", Name: "drop", Email: "drop", AnonymousID: "keep", Other: "drop"},
			URLQuery: "redact",
			ContextDeny: []string{
				"*password*", "*passwd*", "*secret*", "*token*", "*authorization*", "*cookie*", "*api_key*", "*apikey*",
				"*email*", "*phone*", "*ssn*", "*iban*", "*card_number*", "*cardnumber*", "*cvv*",
			},
		},
		Passthrough: PassthroughConfig{
			Site: "datadoghq.com", Tracks: []string{"rum", "replay", "logs", "profile", "exposures", "flagevaluation"},
			Mode: "sync", Timeout: 10 * time.Second, QueueBytes: 64 << 20, MaxElapsed: 15 * time.Minute,
		},
	}
}

const (
	spanPerTrace = "per_trace"
	spanSeparate = "separate"
)
