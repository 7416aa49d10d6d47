package tagtruncate

import (
	"maps"
	"slices"
)

const profileDefault = "default"

// profiles give each backend's documented limits; the source of every number
// is in the README. Each call returns a fresh Config that may be changed.
var profiles = map[string]func() Config{
	profileDefault: defaultProfile,
	"datadog":      datadogProfile,
	"otel_default": otelProfile,
	"newrelic":     newRelicProfile,
	"dash0":        dash0Profile,
	"google_cloud": googleCloudProfile,
	"xmtpd":        xmtpdProfile,
}

func profileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

// identityKeys are what joins a span, a log and a RUM event; cut, they would
// join nothing, or worse, something else.
func identityKeys() []string {
	return []string{
		"service.name", "service.namespace", "service.version", "service.instance.id",
		"deployment.environment", "deployment.environment.name", "host.name", "host.id", "container.id", "k8s.pod.uid",
		"session.id", "user.id", "usr.id", "account.id", "baggage.session.id", "baggage.user.id", "baggage.account.id",
		"rum.application.id", "rum.view.id", "rum.action.id", "rum.resource.id",
		"trace_id", "span_id", "otel.trace_id", "otel.span_id", "otelTraceID", "otelSpanID", "dd_trace_id", "dd_span_id",
		"dd.*", "_dd.*", "datadog.trace.id", "datadog.span.id", "datadog.action.id",
		"trace_linked", "trace_link.*", "staged_id", "log.count", "log.count.*", "log.has_errors",
		"sampling.priority", "_sampling_priority_v1",
	}
}

// bare is a profile without any limit.
func bare(name string) Config {
	return Config{
		Profile:      name,
		Unit:         unitRunes,
		Boundary:     boundaryRune,
		MarkerInside: true,
		InvalidUTF8:  utf8Repair,
		Protected:    identityKeys(),
		Rules:        map[string]Rule{},
	}
}

// every sets the same limits for all scopes.
func (c *Config) every(l Limits) {
	for _, scope := range c.everyLimits() {
		*scope = l
	}
}

// longTexts are worth their length: cut short, a stack trace or a query no
// longer says what happened.
const longTexts = 32_768

func (c *Config) longRules() {
	for _, key := range []string{
		"exception.stacktrace", "exception.message", "error.stack", "error.message",
		"db.query.text", "db.statement", "resource.name", "log.record.original",
	} {
		c.Rules[key] = Rule{MaxValue: longTexts}
	}
}

func defaultProfile() Config {
	c := bare(profileDefault)
	c.every(Limits{MaxValue: 1024, MaxKey: 256, MaxDepth: 16})
	c.Span.MaxName = 1024
	c.Span.MaxStatusMessage = longTexts
	c.Event.MaxName = 1024
	c.longRules()
	return c
}

func datadogProfile() Config {
	c := bare("datadog")
	c.Unit = unitBytes
	c.every(Limits{MaxValue: 25_000, MaxKey: 200, MaxDepth: 16})
	c.Span.MaxName = 5000
	c.Span.MaxStatusMessage = 25_000
	c.Log.MaxAttributes = 256
	c.Log.MaxDepth = 10
	c.Log.MaxBodyBytes = 1_000_000
	c.DataPoint.MaxValue = 200
	c.Rules = map[string]Rule{
		"service.name":   {MaxValue: 100},
		"operation.name": {MaxValue: 100},
		"span.type":      {MaxValue: 100},
		"resource.name":  {MaxValue: 5000},
	}
	return c
}

func otelProfile() Config {
	c := bare("otel_default")
	for _, scope := range []*Limits{&c.Span.Limits, &c.Event.Limits, &c.Link, &c.Log.Limits} {
		scope.MaxAttributes = 128
	}
	c.Span.MaxEvents = 128
	c.Span.MaxLinks = 128
	return c
}

func newRelicProfile() Config {
	c := bare("newrelic")
	c.every(Limits{MaxValue: 4095, MaxKey: 255, MaxAttributes: 254, MaxElements: 64})
	c.Span.MaxName = 255
	c.Span.MaxStatusMessage = 4095
	c.Event.MaxName = 255
	// Longer log attributes are stored as blobs, not refused.
	c.Log.MaxValue = 128 << 10
	c.Log.MaxAttributes = 255
	c.Log.MaxBodyBytes = 128 << 10
	c.DataPoint.MaxAttributes = 150
	return c
}

func dash0Profile() Config {
	c := bare("dash0")
	c.every(Limits{MaxValue: 2048, MaxKey: 128})
	c.Span.MaxAttributes = 32
	c.Span.MaxName = 128
	c.Span.MaxEvents = 8
	c.Span.MaxLinks = 128
	c.Event.MaxName = 128
	c.Event.MaxAttributes = 8
	c.Link.MaxAttributes = 8
	c.Log.MaxAttributes = 16
	c.Log.MaxBodyBytes = 4096
	return c
}

func googleCloudProfile() Config {
	c := bare("google_cloud")
	c.Unit = unitBytes
	c.every(Limits{MaxValue: 65_536, MaxKey: 512, MaxAttributes: 1024})
	c.Span.MaxName = 1024
	c.Span.MaxEvents = 256
	c.Span.MaxLinks = 128
	c.Event.MaxName = 1024
	return c
}

func xmtpdProfile() Config {
	c := bare("xmtpd")
	c.Marker = "...[truncated]"
	c.MarkerInside = false
	c.every(Limits{MaxValue: 1024})
	return c
}
