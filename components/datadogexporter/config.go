package datadogexporter

import (
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Config is what the user writes under exporters::datadog_intake. Its keys are those of the datadog exporter of
// opentelemetry-collector-contrib where both have them.
type Config struct {
	// ClientConfig are the settings of the HTTP clients: proxy_url, tls, headers, timeout…
	confighttp.ClientConfig `mapstructure:",squash"`
	// BackOff says when a request is sent again.
	BackOff configretry.BackOffConfig `mapstructure:"retry_on_failure"`
	// Queue holds what is to be sent; with storage, on disk.
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// RetryPolicy is the retry_policy extension that says what answers mean and keeps what the intake will never take.
	RetryPolicy *component.ID `mapstructure:"retry_policy"`

	// API is whom to send to.
	API APIConfig `mapstructure:"api"`
	// Hostname is used where a resource names no host. Empty is DD_HOSTNAME, else that of the machine.
	Hostname string `mapstructure:"hostname"`
	// Tags are added to logs and to the host's metadata.
	Tags []string `mapstructure:"tags"`

	// HostMetadata says whether Datadog's host map is told about hosts.
	HostMetadata HostMetadataConfig `mapstructure:"host_metadata"`
	// Traces shapes spans.
	Traces TracesConfig `mapstructure:"traces"`
	// Stats shapes APM statistics.
	Stats StatsConfig `mapstructure:"stats"`
	// Logs shapes logs.
	Logs LogsConfig `mapstructure:"logs"`
	// Metrics shapes metrics.
	Metrics MetricsConfig `mapstructure:"metrics"`

	// notes are the keys that were given and mean nothing here.
	notes []string
	// refused are the keys that were given and can't be followed.
	refused []error

	// prevent unkeyed literals
	_ struct{}
}

// APIConfig is whom to send to.
type APIConfig struct {
	// Key is the API key.
	Key configopaque.String `mapstructure:"key"`
	// KeyFile holds the API key instead. It is read again every 10 s, and when Datadog refuses the key.
	KeyFile string `mapstructure:"key_file"`
	// Site is the Datadog site, such as datadoghq.eu.
	Site string `mapstructure:"site"`

	_ struct{}
}

// HostMetadataConfig is what the host map is told.
type HostMetadataConfig struct {
	// Enabled turns it on.
	Enabled bool `mapstructure:"enabled"`
	// HostnameSource is config_or_system, or first_resource for a collector that is not on the host it reports.
	HostnameSource string `mapstructure:"hostname_source"`
	// ReporterPeriod is how often it is repeated.
	ReporterPeriod time.Duration `mapstructure:"reporter_period"`
	// Tags are the host's.
	Tags []string `mapstructure:"tags"`

	_ struct{}
}

// TracesConfig shapes spans.
type TracesConfig struct {
	// Endpoint takes the place of the site's.
	Endpoint string `mapstructure:"endpoint"`
	// ComputeStats counts spans for APM statistics, before any of them is left out.
	ComputeStats bool `mapstructure:"compute_stats"`
	// Sample leaves out what tracers and Agents decided not to keep.
	Sample bool `mapstructure:"sample"`
	// Obfuscate takes literals out of queries, commands and URLs.
	Obfuscate bool `mapstructure:"obfuscate"`
	// ErrorTPS is how many traces with errors are kept a second that sampling would leave out.
	ErrorTPS float64 `mapstructure:"error_tps"`
	// RareSampler keeps a few traces of each rare shape that sampling would leave out.
	RareSampler bool `mapstructure:"rare_sampler"`
	// IgnoreResources are patterns of resources whose traces are not sent.
	IgnoreResources []string `mapstructure:"ignore_resources"`
	// PeerTags are further attributes that tell statistics of calls to other services apart.
	PeerTags []string `mapstructure:"peer_tags"`
	// SpanNameAsResourceName uses the name of an OTel span as its operation name.
	SpanNameAsResourceName bool `mapstructure:"span_name_as_resource_name"`
	// SpanNameRemappings replaces operation names of OTel spans.
	SpanNameRemappings map[string]string `mapstructure:"span_name_remappings"`

	_ struct{}
}

// StatsConfig shapes APM statistics.
type StatsConfig struct {
	// AgentHostname tells this collector's counts apart from those of others. Two that share it overwrite each other's.
	AgentHostname string `mapstructure:"agent_hostname"`
	// BucketInterval is how long a bucket is.
	BucketInterval time.Duration `mapstructure:"bucket_interval"`
	// JournalInterval is how much a kill can cost of counts that are not yet in the queue. 0s writes them with each request.
	JournalInterval time.Duration `mapstructure:"journal_interval"`

	_ struct{}
}

// LogsConfig shapes logs.
type LogsConfig struct {
	// Endpoint takes the place of the site's.
	Endpoint string `mapstructure:"endpoint"`
	// LateEntries is clamp, which gives entries that Datadog finds too old the present time, or send, which leaves them as they are.
	LateEntries string `mapstructure:"late_entries"`

	_ struct{}
}

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 30 * time.Second
	client.IdleConnTimeout = 45 * time.Second // Datadog closes after 60
	client.Compression = "zstd"
	backOff := configretry.NewDefaultBackOffConfig()
	backOff.MaxElapsedTime = 0
	return &Config{
		ClientConfig: client,
		BackOff:      backOff,
		Queue:        configoptional.Some(exporterhelper.NewDefaultQueueConfig()),
		API:          APIConfig{Site: "datadoghq.com"},
		HostMetadata: HostMetadataConfig{Enabled: true, HostnameSource: hostConfigOrSystem, ReporterPeriod: 30 * time.Minute},
		Traces:       TracesConfig{ComputeStats: true, Sample: true, Obfuscate: true, ErrorTPS: 10},
		Stats:        StatsConfig{BucketInterval: 10 * time.Second, JournalInterval: time.Second},
		Logs:         LogsConfig{LateEntries: lateClamp},
		Metrics:      defaultMetricsConfig(),
	}
}

// Values of keys.
const (
	hostConfigOrSystem = "config_or_system"
	hostFirstResource  = "first_resource"

	lateClamp = "clamp"
	lateSend  = "send"
)

// Keys of the contrib exporter that mean nothing here, and why.
var ignoredKeys = map[string]string{
	"api::fail_on_invalid_key":               "a key that is refused never keeps the collector down; what it would send is kept",
	"hostname_detection_timeout":             "the host is not looked up; use the resource_detection processor",
	"only_metadata":                          "host metadata has no mode of its own; leave the exporter out of the pipelines it should not send",
	"traces::trace_buffer":                   "nothing is buffered behind the queue",
	"traces::compute_stats_by_span_kind":     "statistics are always made by kind too",
	"traces::compute_top_level_by_span_kind": "OTel spans are always top-level by kind",
	"traces::peer_tags_aggregation":          "peer tags always tell statistics apart",
	"logs::batch_wait":                       "batching is the sending queue's",
	"logs::use_compression":                  "logs are always sent with gzip",
	"logs::compression_level":                "logs are always sent with gzip at its fastest level",
	"metrics::delta_ttl":                     "use metrics::delta::ttl",
}

// Keys that can't be followed, and what to do instead. Those of the Agent are met by people who come from there.
var refusedKeys = map[string]string{
	"additional_endpoints":             "sends to one organisation; configure a second exporter, datadog_intake/second, with a queue of its own",
	"traces::peer_service_aggregation": "is not supported; peer tags tell statistics apart",
}

// Unmarshal takes out the keys of the contrib exporter that mean nothing here, so that its users need to change only the type.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, key := range sortedKeys(ignoredKeys) {
		if conf.IsSet(key) {
			c.notes = append(c.notes, fmt.Sprintf("%s is ignored: %s", key, ignoredKeys[key]))
			conf.Delete(key)
		}
	}
	for _, key := range sortedKeys(refusedKeys) {
		if conf.IsSet(key) {
			if b, isBool := conf.Get(key).(bool); !isBool || b {
				c.refused = append(c.refused, fmt.Errorf("%s %s", key, refusedKeys[key]))
			}
			conf.Delete(key)
		}
	}
	if conf.IsSet("orchestrator_explorer") {
		if b, _ := conf.Get("orchestrator_explorer::enabled").(bool); b {
			c.refused = append(c.refused, fmt.Errorf("orchestrator_explorer::enabled is not supported: Kubernetes objects are collected by the Datadog Cluster Agent"))
		}
		conf.Delete("orchestrator_explorer")
	}
	return conf.Unmarshal(c)
}

// host is the name of this collector's host.
func (c *Config) host() string {
	if c.Hostname != "" {
		return c.Hostname
	}
	if name := os.Getenv("DD_HOSTNAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// statsHost tells this collector's statistics apart.
func (c *Config) statsHost() string {
	if c.Stats.AgentHostname != "" {
		return c.Stats.AgentHostname
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return c.host()
}
