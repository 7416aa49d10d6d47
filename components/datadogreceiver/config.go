package datadogreceiver

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/forward"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/rates"
)

const (
	defaultCgroupRoot    = "/sys/fs/cgroup"
	defaultEndpoint      = "localhost:8126"
	defaultMaxBody       = 25 << 20
	defaultMaxWait       = time.Second
	defaultHeaderTimeout = 10 * time.Second
	defaultEnv           = "none"
	defaultMaxServices   = 2000
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

	// MaxSpansPerRequest bounds the spans built from one request. One with more is refused with 413. 0: what fits into the memory
	// that one decoded request may have, at most 100000.
	MaxSpansPerRequest int `mapstructure:"max_spans_per_request"`

	// MaxConcurrentRequests bounds the requests decoded and handed on at a time. 0: one for each 8 MiB that decoded requests may
	// have together, at least 16.
	MaxConcurrentRequests int `mapstructure:"max_concurrent_requests"`

	// MaxWait bounds how long a request is held in all, for its turn and for the pipeline, before it is refused with 429.
	MaxWait time.Duration `mapstructure:"max_wait"`

	// Sampling tells tracers which share of new traces to keep.
	Sampling SamplingConfig `mapstructure:"sampling"`

	// SamplingRates is where sampling::rates was before.
	SamplingRates []any `mapstructure:"sampling_rates"`

	// SideChannels is what becomes of what tracers send beside traces and statistics. It is answered and dropped, but for what is
	// forwarded.
	SideChannels SideChannelsConfig `mapstructure:"side_channels"`

	// CgroupRoot is where the host's control groups are mounted, to find containers of tracers that know only an inode. Empty finds none.
	CgroupRoot string `mapstructure:"cgroup_root"`

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

// SideChannelsConfig is what becomes of what tracers send beside traces and statistics.
type SideChannelsConfig struct {
	// Forward passes channels to Datadog.
	Forward ForwardConfig `mapstructure:"forward"`
}

// ForwardConfig passes channels to Datadog.
type ForwardConfig struct {
	// Site is Datadog's, such as datadoghq.com.
	Site string `mapstructure:"site"`

	// APIKey is sent in place of the tracer's.
	APIKey configopaque.String `mapstructure:"api_key"`

	// Channels are those that are forwarded: profiling, telemetry, debugger, pipeline_stats, evp_proxy. None is by default.
	Channels []string `mapstructure:"channels"`

	// EVPSubdomains are the intakes that requests of evp_proxy may name.
	EVPSubdomains []string `mapstructure:"evp_subdomains"`

	// AllowOtherSites lets site be any DNS name.
	AllowOtherSites bool `mapstructure:"allow_other_sites"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func (c *ForwardConfig) options() forward.Options {
	return forward.Options{Site: c.Site, APIKey: string(c.APIKey), Channels: c.Channels, Subdomains: c.EVPSubdomains, AllowOtherSites: c.AllowOtherSites}
}

// SamplingConfig is what tracers are answered about new traces.
type SamplingConfig struct {
	// TargetTPS is about how many new traces a second this collector keeps, of services no entry of Rates is for. 0 keeps all of them.
	TargetTPS float64 `mapstructure:"target_tps"`

	// Rates fix the share of new traces to keep, by service and environment. The most exact entry counts.
	Rates []SamplingRate `mapstructure:"rates"`

	// DefaultEnv is the environment of tracers that name none.
	DefaultEnv string `mapstructure:"default_env"`

	// MaxServices bounds the pairs of service and environment that are remembered and answered.
	MaxServices int `mapstructure:"max_services"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func (c *SamplingConfig) options() rates.Options {
	o := rates.Options{Budget: c.TargetTPS, DefaultEnv: c.DefaultEnv, MaxPairs: c.MaxServices}
	for _, r := range c.Rates {
		o.Entries = append(o.Entries, rates.Entry{Service: r.Service, Env: r.Env, Rate: r.Rate})
	}
	return o
}

// SamplingRate is one entry of sampling::rates.
type SamplingRate struct {
	// Service and Env say for which traces the rate is. An empty one means any.
	Service string `mapstructure:"service"`
	Env     string `mapstructure:"env"`
	// Rate is the share of traces to keep, 0 to 1.
	Rate float64 `mapstructure:"rate"`
}

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.MaxRequestBodySize = defaultMaxBody
	// A body keeps a pace; a time-out for all of it would end slow links that are honest.
	server.ReadHeaderTimeout = defaultHeaderTimeout
	// The receiver decompresses itself, so that it can bound what a body becomes.
	server.CompressionAlgorithms = []string{}
	return &Config{
		ServerConfig: server,
		Translation:  decode.Both,
		MaxWait:      defaultMaxWait,
		CgroupRoot:   defaultCgroupRoot,
		Sampling:     SamplingConfig{DefaultEnv: defaultEnv, MaxServices: defaultMaxServices},
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
	if c.MaxSpansPerRequest < 0 {
		errs = errors.Join(errs, fmt.Errorf("max_spans_per_request must not be negative, got %d", c.MaxSpansPerRequest))
	}
	if c.MaxConcurrentRequests < 0 {
		errs = errors.Join(errs, fmt.Errorf("max_concurrent_requests must not be negative, got %d", c.MaxConcurrentRequests))
	}
	if c.MaxWait <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_wait must be positive, got %s", c.MaxWait))
	}
	if c.MaxRequestBodySize <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_request_body_size must be positive, got %d", c.MaxRequestBodySize))
	}
	if len(c.SamplingRates) > 0 {
		errs = errors.Join(errs, errors.New("sampling_rates is now sampling::rates: move the list there as it is"))
	}
	return errors.Join(errs, c.Sampling.validate(), c.SideChannels.Forward.options().Validate("side_channels::forward"))
}

// validate reports every entry that makes no sense. Validate calls it: were it called Validate, the collector would do so once more.
func (c *SamplingConfig) validate() error {
	var errs error
	// NaN is neither.
	if !(c.TargetTPS >= 0 && c.TargetTPS <= math.MaxFloat64) {
		errs = errors.Join(errs, fmt.Errorf("sampling::target_tps must be 0 or more, got %v", c.TargetTPS))
	}
	if c.MaxServices <= 0 {
		errs = errors.Join(errs, fmt.Errorf("sampling::max_services must be positive, got %d", c.MaxServices))
	}
	if c.DefaultEnv == "" {
		errs = errors.Join(errs, errors.New(`sampling::default_env must be set, got ""`))
	}
	seen := make(map[SamplingRate]bool, len(c.Rates))
	for i, r := range c.Rates {
		if !(r.Rate >= 0 && r.Rate <= 1) {
			errs = errors.Join(errs, fmt.Errorf("sampling::rates::%d::rate must be 0 to 1, got %v", i, r.Rate))
		}
		r.Rate = 0
		if seen[r] {
			errs = errors.Join(errs, fmt.Errorf("sampling::rates::%d repeats service %q env %q", i, r.Service, r.Env))
		}
		seen[r] = true
	}
	if c.TargetTPS > 0 && seen[SamplingRate{}] {
		errs = errors.Join(errs, fmt.Errorf("sampling::target_tps must be 0 when an entry of sampling::rates is for everything, got %v", c.TargetTPS))
	}
	return errs
}
