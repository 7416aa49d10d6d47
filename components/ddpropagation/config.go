package ddpropagation

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
)

const (
	modeToW3C     = "to_w3c"
	modeToDatadog = "to_datadog"

	tracestateNone   = "none"
	tracestateUpsert = "upsert"

	formatAuto      = "auto"
	formatDecimal64 = "decimal64"
	formatHex128    = "hex128"

	// maxSources bounds the work per record and the label values of the metrics.
	maxSources = 48
)

// Config is what the user writes under processors::dd_propagation.
type Config struct {
	// Mode is to_w3c, which fills the ids OTLP has fields for, or to_datadog, which writes those fields as dd.* attributes (logs only).
	Mode string `mapstructure:"mode"`
	// Traces says what is done to spans.
	Traces TracesConfig `mapstructure:"traces"`
	// Logs says where ids are looked for in log records.
	Logs LogsConfig `mapstructure:"logs"`
	// TraceIDCache remembers upper halves for later batches.
	TraceIDCache CacheConfig `mapstructure:"trace_id_cache"`
}

// TracesConfig is what is done to spans.
type TracesConfig struct {
	// TraceID128 completes 64-bit trace ids from `_dd.p.tid`.
	TraceID128 bool `mapstructure:"trace_id_128"`
	// SpanLinks completes the trace ids of links and turns the `_dd.span_links` attribute into links.
	SpanLinks bool `mapstructure:"span_links"`
	// DatadogSDK gives spans that a Datadog SDK sent over OTLP the names they have when its tracer sends them.
	DatadogSDK bool `mapstructure:"datadog_sdk"`
	// Tracestate is none, or upsert to write the `dd` member from priority, origin and `_dd.p.*`.
	Tracestate string `mapstructure:"tracestate"`
	// SampledFlag writes the sampling priority to the sampled bit of the span's flags.
	SampledFlag bool `mapstructure:"sampled_flag"`
	// KeepAttributes keeps `_dd.p.tid` and `_dd.span_links` after the span says the same.
	KeepAttributes bool `mapstructure:"keep_attributes"`
}

// LogsConfig is where ids are looked for in log records, and how they are written for Datadog.
type LogsConfig struct {
	// Sources are the pairs of names to look under, the most trusted first.
	Sources []Source `mapstructure:"sources"`
	// Body is which bodies are read when the attributes hold no id.
	Body BodyConfig `mapstructure:"body"`
	// OverwriteExisting lets ids in attributes replace other ids in the record.
	OverwriteExisting bool `mapstructure:"overwrite_existing"`
	// KeepAttributes keeps the attributes whose ids the record has.
	KeepAttributes bool `mapstructure:"keep_attributes"`
	// ServiceTags puts the service, environment and version that a line names into the resource.
	ServiceTags bool `mapstructure:"service_tags"`
	// Prefer is whose service, environment and version count when the resource names others: resource or item.
	Prefer string `mapstructure:"prefer"`
	// DefaultEnv is the environment of records that name none.
	DefaultEnv string `mapstructure:"default_env"`
	// Format is how to_datadog writes trace ids: auto, decimal64 or hex128.
	Format string `mapstructure:"format"`
}

// Source is one pair of names. Dots separate the keys of nested maps; a flat key with dots in it is found as well.
type Source struct {
	// TraceID is the name of the trace id.
	TraceID string `mapstructure:"trace_id"`
	// SpanID is the name of the span id beside it; empty when there is none.
	SpanID string `mapstructure:"span_id"`
}

// BodyConfig is which bodies are read for ids.
type BodyConfig struct {
	// Text finds dd.trace_id=… in a text.
	Text bool `mapstructure:"text"`
	// JSON finds the sources in a text that is a JSON object.
	JSON bool `mapstructure:"json"`
	// Map finds the sources in a body that is a map.
	Map bool `mapstructure:"map"`
	// MaxBodyBytes is the longest text that is read as JSON.
	MaxBodyBytes int `mapstructure:"max_body_bytes"`
}

// CacheConfig bounds what is remembered from one batch to the next.
type CacheConfig struct {
	// Enabled turns the cache on.
	Enabled bool `mapstructure:"enabled"`
	// ShareWithLogs completes 64-bit ids of logs from the spans seen under the same component id.
	ShareWithLogs bool `mapstructure:"share_with_logs"`
	// MaxEntries is how many trace ids are remembered; the least recently seen go first.
	MaxEntries int `mapstructure:"max_entries"`
	// TTL is how long a trace id is remembered after it was last seen.
	TTL time.Duration `mapstructure:"ttl"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Mode: modeToW3C,
		Traces: TracesConfig{
			TraceID128:     true,
			SpanLinks:      true,
			DatadogSDK:     true,
			Tracestate:     tracestateNone,
			KeepAttributes: true,
		},
		Logs: LogsConfig{
			Sources: []Source{
				{"dd.trace_id", "dd.span_id"},
				{"contextMap.dd.trace_id", "contextMap.dd.span_id"},
				{"mdc.dd.trace_id", "mdc.dd.span_id"},
				{"named_tags.dd.trace_id", "named_tags.dd.span_id"},
				{"record.extra.dd.trace_id", "record.extra.dd.span_id"},
				{"dd_trace_id", "dd_span_id"},
				{"Properties.dd_trace_id", "Properties.dd_span_id"},
				{"_dd.trace_id", "_dd.span_id"},
				{"Properties.dd.trace_id", "Properties.dd.span_id"},
				{"properties.dd.trace_id", "properties.dd.span_id"},
				{"properties.dd_trace_id", "properties.dd_span_id"},
				{"mdlc.dd.trace_id", "mdlc.dd.span_id"},
				{"scopes.dd_trace_id", "scopes.dd_span_id"},
				{"scopes.dd.trace_id", "scopes.dd.span_id"},
				{"span.dd.trace_id", "span.dd.span_id"},
				{"trace_id", "span_id"},
				{"traceId", "spanId"},
				{"otelTraceID", "otelSpanID"},
				{"trace.id", "span.id"},
				{"trace.id", "transaction.id"},
				{"@tr", "@sp"},
				{"logging.googleapis.com/trace", "logging.googleapis.com/spanId"},
			},
			Body:           BodyConfig{Text: true, JSON: true, Map: true, MaxBodyBytes: 65_536},
			KeepAttributes: true,
			ServiceTags:    true,
			Prefer:         preferResource,
			Format:         formatAuto,
		},
		TraceIDCache: CacheConfig{Enabled: true, MaxEntries: 100_000, TTL: 5 * time.Minute},
	}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Mode != modeToW3C && c.Mode != modeToDatadog {
		refuse("mode must be %s or %s, got %q", modeToW3C, modeToDatadog, c.Mode)
	}
	if s := c.Traces.Tracestate; s != tracestateNone && s != tracestateUpsert {
		refuse("traces::tracestate must be %s or %s, got %q", tracestateNone, tracestateUpsert, s)
	}
	if f := c.Logs.Format; f != formatAuto && f != formatDecimal64 && f != formatHex128 {
		refuse("logs::format must be %s, %s or %s, got %q", formatAuto, formatDecimal64, formatHex128, f)
	}
	if p := c.Logs.Prefer; p != preferResource && p != preferItem {
		refuse("logs::prefer must be %s or %s, got %q", preferResource, preferItem, p)
	}
	if n := len(c.Logs.Sources); n < 1 || n > maxSources {
		refuse("logs::sources must have 1 to %d entries, got %d", maxSources, n)
	}
	seen := map[Source]bool{}
	for i, s := range c.Logs.Sources[:min(len(c.Logs.Sources), maxSources)] {
		switch {
		case badPath(s.TraceID):
			refuse("logs::sources::%d: trace_id must be names separated by dots, got %q", i, s.TraceID)
		case s.SpanID != "" && badPath(s.SpanID):
			refuse("logs::sources::%d: span_id must be names separated by dots, got %q", i, s.SpanID)
		case seen[s]:
			refuse("logs::sources::%d: trace_id %q and span_id %q are listed twice", i, s.TraceID, s.SpanID)
		}
		seen[s] = true
	}
	if c.Logs.Body.JSON && c.Logs.Body.MaxBodyBytes <= 0 {
		refuse("logs::body::max_body_bytes must be positive, got %d", c.Logs.Body.MaxBodyBytes)
	}
	if c.Logs.OverwriteExisting && !c.Logs.KeepAttributes {
		refuse("logs::overwrite_existing needs logs::keep_attributes: once the attribute is gone, the id it overwrote cannot be told from its own")
	}
	if cache := c.TraceIDCache; cache.Enabled {
		if cache.MaxEntries < 1 {
			refuse("trace_id_cache::max_entries must be positive, got %d", cache.MaxEntries)
		}
		if cache.TTL <= 0 {
			refuse("trace_id_cache::ttl must be positive, got %s", cache.TTL)
		}
	} else if cache.ShareWithLogs {
		refuse("trace_id_cache::share_with_logs needs trace_id_cache::enabled")
	}
	return errors.Join(errs...)
}

// badPath reports a path with no name, or with an empty name in it.
func badPath(path string) bool {
	return path == "" || path[0] == '.' || path[len(path)-1] == '.' || strings.Contains(path, "..")
}
