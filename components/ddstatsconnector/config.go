package ddstatsconnector

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config is what the user writes under connectors::dd_stats.
type Config struct {
	// BucketInterval is how long a bucket is.
	BucketInterval time.Duration `mapstructure:"bucket_interval"`
	// Storage is the storage extension that keeps open buckets through a kill.
	Storage *component.ID `mapstructure:"storage"`
	// JournalInterval is how much of the open buckets a kill can cost. 0s writes them with each batch.
	JournalInterval time.Duration `mapstructure:"journal_interval"`
	// AgentHostname tells these counts apart from those of other collectors. Empty is the name of the machine or pod.
	AgentHostname string `mapstructure:"agent_hostname"`
	// Hostname is that of spans that name none.
	Hostname string `mapstructure:"hostname"`
	// PeerTags are further attributes that tell calls to other services apart.
	PeerTags []string `mapstructure:"peer_tags"`
	// Payload puts what Datadog's own intake wants beside the metrics. Only the datadog_intake exporter can use it.
	Payload bool `mapstructure:"payload"`
	// CountComputed counts spans that their tracer counts too. Right where nothing else is made of what tracers count.
	CountComputed bool `mapstructure:"count_computed"`

	// prevent unkeyed literals
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{BucketInterval: 10 * time.Second, JournalInterval: time.Second}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	if c.BucketInterval < time.Second || c.BucketInterval%time.Second != 0 {
		errs = append(errs, fmt.Errorf("bucket_interval must be whole seconds, got %s", c.BucketInterval))
	}
	if c.JournalInterval < 0 {
		errs = append(errs, fmt.Errorf("journal_interval must not be negative, got %s", c.JournalInterval))
	}
	return errors.Join(errs...)
}

func (c *Config) agentHostname() string {
	if c.AgentHostname != "" {
		return c.AgentHostname
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
