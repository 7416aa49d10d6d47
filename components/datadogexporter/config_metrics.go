package datadogexporter

import (
	"fmt"
	"time"
)

// MetricsConfig shapes metrics.
type MetricsConfig struct {
	// Endpoint takes the place of the site's.
	Endpoint string `mapstructure:"endpoint"`
	// Delta bounds what is remembered of cumulative sums and histograms.
	Delta DeltaConfig `mapstructure:"delta"`
	// Histograms says what becomes of histograms.
	Histograms HistogramsConfig `mapstructure:"histograms"`
	// Sums says what becomes of sums.
	Sums SumsConfig `mapstructure:"sums"`
	// Summaries says what becomes of summaries.
	Summaries SummariesConfig `mapstructure:"summaries"`
	// TraceStatistics sends datadog.trace.* metrics, which tracers and dd_stats make for other backends, as custom metrics.
	TraceStatistics bool `mapstructure:"trace_statistics"`
	// ResourceAttributesAsTags makes every resource attribute a tag.
	ResourceAttributesAsTags bool `mapstructure:"resource_attributes_as_tags"`
	// InstrumentationScopeMetadataAsTags makes the scope's name and version tags.
	InstrumentationScopeMetadataAsTags bool `mapstructure:"instrumentation_scope_metadata_as_tags"`

	_ struct{}
}

// DeltaConfig bounds what is remembered.
type DeltaConfig struct {
	// MaxSeries is how many series are remembered. The points of further ones are left out and counted.
	MaxSeries int `mapstructure:"max_series"`
	// TTL is how long a series without points is remembered.
	TTL time.Duration `mapstructure:"ttl"`

	_ struct{}
}

// HistogramsConfig says what becomes of histograms.
type HistogramsConfig struct {
	// Mode is distributions, counters or nobuckets.
	Mode string `mapstructure:"mode"`
	// SendAggregations sends count, sum, min and max as metrics of their own.
	SendAggregations bool `mapstructure:"send_aggregation_metrics"`

	_ struct{}
}

// SumsConfig says what becomes of sums.
type SumsConfig struct {
	// CumulativeMonotonicMode is to_delta or raw_value.
	CumulativeMonotonicMode string `mapstructure:"cumulative_monotonic_mode"`
	// InitialCumulativeMonotonicMode says what the first point of a series is worth: auto, drop or keep.
	InitialCumulativeMonotonicMode string `mapstructure:"initial_cumulative_monotonic_value"`

	_ struct{}
}

// SummariesConfig says what becomes of summaries.
type SummariesConfig struct {
	// Mode is noquantiles or gauges.
	Mode string `mapstructure:"mode"`

	_ struct{}
}

func defaultMetricsConfig() MetricsConfig {
	return MetricsConfig{
		Delta:      DeltaConfig{MaxSeries: 200_000, TTL: time.Hour},
		Histograms: HistogramsConfig{Mode: "distributions"},
		Sums:       SumsConfig{CumulativeMonotonicMode: "to_delta", InitialCumulativeMonotonicMode: "auto"},
		Summaries:  SummariesConfig{Mode: "gauges"},

		TraceStatistics:                    true,
		InstrumentationScopeMetadataAsTags: true,
	}
}

func (c *MetricsConfig) validate() (errs []error) {
	oneOf := func(key, got string, allowed ...string) {
		for _, a := range allowed {
			if a == got {
				return
			}
		}
		errs = append(errs, fmt.Errorf("metrics::%s must be one of %v, got %q", key, allowed, got))
	}
	oneOf("histograms::mode", c.Histograms.Mode, "distributions", "counters", "nobuckets")
	oneOf("sums::cumulative_monotonic_mode", c.Sums.CumulativeMonotonicMode, "to_delta", "raw_value")
	oneOf("sums::initial_cumulative_monotonic_value", c.Sums.InitialCumulativeMonotonicMode, "auto", "drop", "keep")
	oneOf("summaries::mode", c.Summaries.Mode, "noquantiles", "gauges")
	if c.Delta.MaxSeries < 1 {
		errs = append(errs, fmt.Errorf("metrics::delta::max_series must be positive, got %d", c.Delta.MaxSeries))
	}
	if c.Delta.TTL <= 0 {
		errs = append(errs, fmt.Errorf("metrics::delta::ttl must be positive, got %s", c.Delta.TTL))
	}
	if c.Histograms.Mode == "nobuckets" && !c.Histograms.SendAggregations {
		errs = append(errs, fmt.Errorf("metrics::histograms::mode nobuckets needs send_aggregation_metrics, or nothing of a histogram is sent"))
	}
	return errs
}
