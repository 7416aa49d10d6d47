package intake

import (
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

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

// SkewConfig corrects the clocks of browsers, which say when they sent a batch.
type SkewConfig struct {
	// Correct switches the correction on.
	Correct bool `mapstructure:"correct"`
	// Threshold is the difference that is put down to the network.
	Threshold time.Duration `mapstructure:"threshold"`
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

// Settings are what the intake is made of.
type Settings struct {
	Paths          map[string][]string // tracks and their URL paths
	MaxBodyBytes   int64
	Pools          *admission.Pools // of the process
	Tokens         map[string]TokenConfig
	TrustedProxies []string
	RateLimit      *RateLimitConfig
	Skew           *SkewConfig
	Passthrough    *PassthroughConfig
	MaxBodies      int // remembered, against retries
	RememberBodies time.Duration
}
