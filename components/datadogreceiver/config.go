package datadogreceiver

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
)

const (
	defaultEndpoint    = "localhost:8126"
	defaultMaxBody     = 25 << 20
	defaultMaxSpans    = 100_000
	defaultConcurrency = 16
	defaultMaxWait     = time.Second
	defaultReadTimeout = 10 * time.Second
)

// Config is what the user writes under receivers::datadog.
type Config struct {
	// ServerConfig is the TCP listener. An empty endpoint turns it off, which needs a Unix socket.
	confighttp.ServerConfig `mapstructure:",squash"`

	// UnixSocket is the listener tracers prefer when they find its file.
	UnixSocket UnixSocketConfig `mapstructure:"unix_socket"`

	// Translation says which attribute names spans get: semantic, lossless or both.
	Translation decode.Mode `mapstructure:"translation"`

	// KeepEncoding notes on every span, in the attribute _dd.enc, how its links, events and integers came, so that an exporter to
	// Datadog can send them back alike.
	KeepEncoding bool `mapstructure:"keep_encoding"`

	// MaxSpansPerRequest bounds the spans built from one request. One with more is refused with 413.
	MaxSpansPerRequest int `mapstructure:"max_spans_per_request"`

	// MaxConcurrentRequests bounds the requests decoded and handed on at a time, and with max_request_body_size what all bodies hold.
	MaxConcurrentRequests int `mapstructure:"max_concurrent_requests"`

	// MaxWait bounds how long a request is held in all, for its turn and for the pipeline, before it is refused with 429.
	MaxWait time.Duration `mapstructure:"max_wait"`

	// SamplingRates tells tracers which share of new traces to keep, by service and environment.
	SamplingRates []SamplingRate `mapstructure:"sampling_rates"`

	// ClientDropP0s lets tracers that compute statistics drop unsampled traces at the source. It needs a metrics pipeline.
	ClientDropP0s bool `mapstructure:"client_drop_p0s"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// UnixSocketConfig is the Unix socket listener.
type UnixSocketConfig struct {
	// Path of the socket; empty means none. Tracers look for /var/run/datadog/apm.socket.
	Path string `mapstructure:"path"`
}

// SamplingRate is one entry of rate_by_service.
type SamplingRate struct {
	// Service and Env say for which traces the rate is. Both empty: for those that no other entry is for.
	Service string `mapstructure:"service"`
	Env     string `mapstructure:"env"`
	// Rate is the share of traces to keep, 0 to 1.
	Rate float64 `mapstructure:"rate"`
}

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.MaxRequestBodySize = defaultMaxBody
	server.ReadTimeout = defaultReadTimeout
	return &Config{
		ServerConfig:          server,
		Translation:           decode.Both,
		MaxSpansPerRequest:    defaultMaxSpans,
		MaxConcurrentRequests: defaultConcurrency,
		MaxWait:               defaultMaxWait,
	}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs error
	if c.NetAddr.Endpoint == "" && c.UnixSocket.Path == "" {
		errs = errors.Join(errs, errors.New("endpoint or unix_socket::path must be set"))
	}
	switch c.Translation {
	case decode.Semantic, decode.Lossless, decode.Both:
	default:
		errs = errors.Join(errs, fmt.Errorf("translation must be semantic, lossless or both, got %q", c.Translation))
	}
	if c.KeepEncoding && c.Translation == decode.Semantic {
		errs = errors.Join(errs, errors.New("keep_encoding needs translation both or lossless, got semantic"))
	}
	if c.MaxSpansPerRequest <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_spans_per_request must be positive, got %d", c.MaxSpansPerRequest))
	}
	if c.MaxConcurrentRequests <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_concurrent_requests must be positive, got %d", c.MaxConcurrentRequests))
	}
	if c.MaxWait <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_wait must be positive, got %s", c.MaxWait))
	}
	if c.MaxRequestBodySize <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_request_body_size must be positive, got %d", c.MaxRequestBodySize))
	}
	seen := make(map[SamplingRate]bool, len(c.SamplingRates))
	for i, r := range c.SamplingRates {
		// NaN is neither.
		if !(r.Rate >= 0 && r.Rate <= 1) {
			errs = errors.Join(errs, fmt.Errorf("sampling_rates::%d::rate must be 0 to 1, got %v", i, r.Rate))
		}
		r.Rate = 0
		if seen[r] {
			errs = errors.Join(errs, fmt.Errorf("sampling_rates::%d repeats service %q env %q", i, r.Service, r.Env))
		}
		seen[r] = true
	}
	return errs
}
