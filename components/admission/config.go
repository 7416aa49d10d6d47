package admission

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

const (
	defaultMaxBody    = 8 << 20
	defaultMaxDepth   = 64
	defaultMaxReceive = 150 * time.Second
	defaultMaxStreams = 100
	// fileHeadroom is for files, exporters' connections and listeners whose connections nobody counts.
	fileHeadroom = 4096
)

// Config is what the user writes under extensions::admission.
type Config struct {
	// MaxBytes is the memory of all requests, arriving and decoded; 0: two fifths of GOMEMLIMIT.
	MaxBytes int64 `mapstructure:"max_bytes"`

	// MaxRequestCost is the memory of one decoded request; 0: three quarters of max_bytes, so that one passes alone.
	MaxRequestCost int64 `mapstructure:"max_request_cost"`

	// MaxBodyBytes is the longest OTLP request, decompressed.
	MaxBodyBytes int64 `mapstructure:"max_body_bytes"`

	// MaxRatio is how many times longer a request may be decompressed; 0: no bound, since length and cost have one.
	MaxRatio int64 `mapstructure:"max_ratio"`

	// MaxDepth is how many messages may stand in one another in a span, record or data point.
	MaxDepth int `mapstructure:"max_depth"`

	// MaxWait is how long a request waits for memory, in order of arrival, before its sender is asked to try again.
	MaxWait time.Duration `mapstructure:"max_wait"`

	// MinBytesPerSecond is the pace a request must keep on the wire after grace.
	MinBytesPerSecond int64 `mapstructure:"min_bytes_per_second"`

	// Grace is the time before the pace counts, and the longest silence.
	Grace time.Duration `mapstructure:"grace"`

	// MaxReceive is how long a gRPC message may take to arrive in all.
	MaxReceive time.Duration `mapstructure:"max_receive"`

	// MaxConnections bounds the open connections of listeners that count them: gRPC's, Datadog's, RUM's, Fluent's.
	MaxConnections int `mapstructure:"max_connections"`

	// MaxConnectionBytes is what these connections may be priced at together; 0: a quarter of GOMEMLIMIT.
	MaxConnectionBytes int64 `mapstructure:"max_connection_bytes"`

	// MaxConnectionsPerAddress bounds the connections of one IPv4 address or IPv6 /64; 0: no bound, since a NAT is one address.
	MaxConnectionsPerAddress int `mapstructure:"max_connections_per_address"`

	// MaxStreamsPerConnection is how many calls one gRPC connection may have open. It replaces a receiver's max_concurrent_streams.
	MaxStreamsPerConnection uint32 `mapstructure:"max_streams_per_connection"`

	// MaxOpenFiles lowers the process's limit of open files, which bounds connections that nobody counts; 0: max_connections and 4096; -1: leave it.
	MaxOpenFiles int64 `mapstructure:"max_open_files"`

	// Readiness is the endpoint that says whether new requests should go elsewhere.
	Readiness ReadinessConfig `mapstructure:"readiness"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ReadinessConfig is the readiness endpoint.
type ReadinessConfig struct {
	// Endpoint is where it listens; empty: nowhere.
	Endpoint string `mapstructure:"endpoint"`
}

func createDefaultConfig() component.Config {
	return &Config{
		MaxBodyBytes: defaultMaxBody, MaxDepth: defaultMaxDepth, MaxWait: admission.DefaultMaxWait,
		MinBytesPerSecond: httpbody.DefaultMinBytesPerSecond, Grace: httpbody.DefaultGrace, MaxReceive: defaultMaxReceive,
		MaxConnections: admission.DefaultMaxConnections, MaxStreamsPerConnection: defaultMaxStreams,
	}
}

func (c *Config) limits() admission.Limits {
	return admission.Limits{
		MaxBytes: c.MaxBytes, MaxRequestCost: c.MaxRequestCost, MaxWait: c.MaxWait, MaxConnections: c.MaxConnections,
		MaxConnectionBytes: c.MaxConnectionBytes, MaxConnectionsPerAddress: c.MaxConnectionsPerAddress,
	}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	errs := c.limits().Validate()
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = errors.Join(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.MaxBodyBytes > 0, "max_body_bytes must be positive, got %d", c.MaxBodyBytes)
	check(c.MaxRatio >= 0, "max_ratio must not be negative, got %d", c.MaxRatio)
	// Most readers of protobuf refuse 100.
	check(c.MaxDepth >= 8 && c.MaxDepth <= 90, "max_depth must be 8 to 90, got %d", c.MaxDepth)
	check(c.MaxWait > 0, "max_wait must be positive, got %s", c.MaxWait)
	check(c.MinBytesPerSecond >= 1024, "min_bytes_per_second must be at least 1024, got %d", c.MinBytesPerSecond)
	check(c.Grace > 0, "grace must be positive, got %s", c.Grace)
	check(c.MaxReceive > 0, "max_receive must be positive, got %s", c.MaxReceive)
	check(c.MaxConnections > 0, "max_connections must be positive, got %d", c.MaxConnections)
	check(c.MaxStreamsPerConnection > 0, "max_streams_per_connection must be positive, got 0")
	check(c.MaxOpenFiles >= -1, "max_open_files must be -1, 0 or positive, got %d", c.MaxOpenFiles)
	check(c.MaxBytes == 0 || c.MaxBodyBytes <= 0 || c.fits(c.MaxBytes), "%s", c.tooSmall(c.MaxBytes))
	return errs
}

// fits reports whether a body of max_body_bytes, and the copy its receiver makes, go into the reception pool.
func (c *Config) fits(maxBytes int64) bool { return 2*c.MaxBodyBytes+(1<<20) <= maxBytes/4 }

func (c *Config) tooSmall(maxBytes int64) string {
	return fmt.Sprintf("one body of max_body_bytes %d needs max_bytes %d, got %d: give the process more memory or lower max_body_bytes",
		c.MaxBodyBytes, 4*(2*c.MaxBodyBytes+1<<20), maxBytes)
}
