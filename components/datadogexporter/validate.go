package datadogexporter

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
)

// sites are Datadog's. https://docs.datadoghq.com/getting_started/site/
var sites = []string{
	"datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "ap1.datadoghq.com", "ap2.datadoghq.com", "uk1.datadoghq.com",
	"datadoghq.eu", "ddog-gov.com", "us2.ddog-gov.com",
}

// Validate implements component validation.
func (c *Config) Validate() error {
	errs := slices.Clone(c.refused)
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case c.API.Key != "" && c.API.KeyFile != "":
		bad("api::key and api::key_file must not both be set")
	case c.API.KeyFile == "":
		if err := intake.CheckKey(string(c.API.Key)); err != nil {
			bad("api::key must be an API key of Datadog: %w", err)
		}
	}
	if site, _ := cleanSite(c.API.Site); site == "" || strings.ContainsAny(site, " /:") {
		bad("api::site must be a Datadog site such as datadoghq.eu, got %q", c.API.Site)
	}
	for key, endpoint := range map[string]string{"endpoint": c.Endpoint, "traces::endpoint": c.Traces.Endpoint, "logs::endpoint": c.Logs.Endpoint, "metrics::endpoint": c.Metrics.Endpoint} {
		if endpoint == "" {
			continue
		}
		if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			bad("%s must be a URL such as https://intake.example.com, got %q", key, endpoint)
		}
	}
	if _, err := intake.NewCompressor(string(c.Compression)); err != nil {
		errs = append(errs, err)
	}
	if c.Timeout <= 0 {
		bad("timeout must be positive, got %s", c.Timeout)
	}
	if q := c.Queue.Get(); q != nil && q.StorageID != nil && c.BackOff.MaxElapsedTime != 0 {
		bad("retry_on_failure::max_elapsed_time must be 0s with sending_queue::storage, or what is stored is dropped after it, got %s", c.BackOff.MaxElapsedTime)
	}
	if s := c.HostMetadata.HostnameSource; s != hostConfigOrSystem && s != hostFirstResource {
		bad("host_metadata::hostname_source must be %s or %s, got %q", hostConfigOrSystem, hostFirstResource, s)
	}
	if c.HostMetadata.Enabled && c.HostMetadata.ReporterPeriod < minReporterPeriod {
		bad("host_metadata::reporter_period must be at least %s, got %s", minReporterPeriod, c.HostMetadata.ReporterPeriod)
	}
	if c.Traces.ErrorTPS < 0 {
		bad("traces::error_tps must not be negative, got %g", c.Traces.ErrorTPS)
	}
	for i, pattern := range c.Traces.IgnoreResources {
		if _, err := regexp.Compile(pattern); err != nil {
			bad("traces::ignore_resources[%d] must be a regular expression, got %q: %w", i, pattern, err)
		}
	}
	if i := c.Stats.BucketInterval; i < minBucket || i%minBucket != 0 {
		bad("stats::bucket_interval must be a multiple of %s, got %s", minBucket, i)
	}
	if c.Stats.JournalInterval < 0 {
		bad("stats::journal_interval must not be negative, got %s", c.Stats.JournalInterval)
	}
	if l := c.Logs.LateEntries; l != lateClamp && l != lateSend {
		bad("logs::late_entries must be %s or %s, got %q", lateClamp, lateSend, l)
	}
	errs = append(errs, c.Metrics.validate()...)
	return errors.Join(errs...)
}

// cleanSite takes off what people copy from their browser, and reports whether Datadog has the site.
func cleanSite(site string) (string, bool) {
	site = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(site), "https://"), "http://"), "/")
	site = strings.TrimPrefix(site, "app.")
	return site, slices.Contains(sites, site)
}

// endpoints are the URLs that are sent to.
type endpoints struct{ traces, stats, logs, series, sketches, metadata string }

func (c *Config) endpoints() endpoints {
	site, _ := cleanSite(c.API.Site)
	base := func(own, host string) string {
		switch {
		case own != "":
			return strings.TrimSuffix(own, "/")
		case c.Endpoint != "":
			return strings.TrimSuffix(c.Endpoint, "/")
		}
		return "https://" + host + site
	}
	traces, metrics := base(c.Traces.Endpoint, "trace.agent."), base(c.Metrics.Endpoint, "api.")
	return endpoints{
		traces:   traces + "/api/v0.2/traces",
		stats:    traces + "/api/v0.2/stats",
		logs:     base(c.Logs.Endpoint, "http-intake.logs.") + "/api/v2/logs",
		series:   metrics + "/api/v2/series",
		sketches: metrics + "/api/beta/sketches",
		metadata: metrics + "/intake/",
	}
}

// warnings are what a user should know about a configuration that works.
func (c *Config) warnings() []string {
	warnings := slices.Clone(c.notes)
	if site, known := cleanSite(c.API.Site); !known {
		warnings = append(warnings, fmt.Sprintf("api::site %q is no site of Datadog this version knows", site))
	} else if site != c.API.Site {
		warnings = append(warnings, fmt.Sprintf("api::site %q is taken as %s", c.API.Site, site))
	}
	if c.Traces.ComputeStats && c.Stats.AgentHostname != "" && c.Stats.AgentHostname == c.Hostname {
		warnings = append(warnings, "stats::agent_hostname equals hostname: collectors that share it overwrite each other's statistics")
	}
	if q := c.Queue.Get(); q == nil || q.StorageID == nil {
		warnings = append(warnings, "sending_queue::storage is not set: what is acknowledged is lost when the process ends")
	}
	if c.RetryPolicy == nil {
		warnings = append(warnings, "retry_policy is not set: what Datadog refuses for good is retried for ever")
	}
	return warnings
}
