package ddspan

import (
	"sort"
	"strings"

	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes/source"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil/normalize"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Process identifies who sent a span, as a Datadog payload does. Two resources with equal processes share a payload.
type Process struct {
	Host, Env, ContainerID, RuntimeID        string
	Language, LanguageVersion, TracerVersion string
	ContainerTags, ProcessTags               string
	// Version is that of the service; resources of one Datadog tracer leave it out here, because a call to another service has none.
	Version string
	// StatsComputed says that the tracer counts its spans itself.
	StatsComputed bool
}

// Resource is what the spans of one resource have in common, worked out once.
type Resource struct {
	Process
	// AppVersion is the version of the process's own service, empty for a service it calls.
	AppVersion string
	Service    string

	tracer, overOTLP bool
	base             string
	// onSpans are attributes that each span carries: what a tracer writes itself, and what somebody added on the way.
	onSpans []keyValue
	raw     pcommon.Resource
}

type keyValue struct{ key, value string }

// NewResource reads a resource. host is used where one that no Datadog tracer made names none.
func NewResource(res pcommon.Resource, host string) *Resource {
	attrs := res.Attributes()
	r := &Resource{raw: res}
	r.overOTLP = text(attrs, "datadog.sdk.semantics") == sdkNameDatadog
	r.tracer = r.overOTLP || text(attrs, "telemetry.sdk.name") == sdkNameDatadog
	r.Service = text(attrs, attrService)
	r.Env = normalize.NormalizeTagValue(firstText(attrs, "deployment.environment.name", "deployment.environment"))
	r.StatsComputed = text(attrs, attrStatsDone) != ""
	if r.tracer {
		host = "" // a payload without a host is on the host of whoever sends it
	}
	r.Host = hostOf(attrs, host)
	r.ContainerID = text(attrs, "container.id")
	if r.ContainerID == "" && !r.tracer {
		r.ContainerID = text(attrs, "k8s.pod.uid")
	}
	r.Language = text(attrs, "telemetry.sdk.language")
	r.ContainerTags = containerTags(attrs)
	r.base = text(attrs, attrBaseService)
	version := text(attrs, "service.version")
	if r.tracer {
		r.Language = tracerLanguage(r.Language)
		r.LanguageVersion = text(attrs, "process.runtime.version")
		r.TracerVersion = text(attrs, "telemetry.sdk.version")
		r.RuntimeID = text(attrs, "runtime-id")
		r.ProcessTags = text(attrs, attrProcessTags)
		r.onSpans = tracerAttributes(attrs, r.Env, version)
	} else {
		r.TracerVersion = "otlp-" + text(attrs, "telemetry.sdk.version")
		r.Version = version
	}
	if r.base == "" {
		r.AppVersion = version
	}
	return r
}

// hostOf returns the host of a resource, none for one that has no host, such as a serverless task, and else the fallback.
func hostOf(attrs pcommon.Map, fallback string) string {
	if src, ok := attributes.SourceFromAttrs(attrs, nil); ok {
		if src.Kind == source.HostnameKind {
			return src.Identifier
		}
		return ""
	}
	if host := text(attrs, "_dd.hostname"); host != "" {
		return host
	}
	return fallback
}

// containerTags are the tags of the container, sorted: a payload must not change when it is sent again.
func containerTags(attrs pcommon.Map) string {
	tags := attributes.ContainerTagsFromResourceAttributes(attrs)
	if len(tags) == 0 {
		return ""
	}
	list := make([]string, 0, len(tags))
	for k, v := range tags {
		list = append(list, k+":"+v)
	}
	sort.Strings(list)
	return strings.Join(list, ",")
}

// tracerLanguage is what a Datadog tracer calls its language.
func tracerLanguage(sdk string) string {
	if sdk == "dotnet" {
		return ".NET"
	}
	return sdk
}

// describesProcess are the beginnings of resource attributes that a Datadog payload says elsewhere, or not at all.
var describesProcess = [...]string{
	"service.", "telemetry.", "process.", "host.", "container.", "k8s.", "cloud.", "os.", "deployment.", "datadog.", "aws.",
	"_dd.", internalPrefix, "otelcol_obs.",
}

// tracerAttributes are the resource attributes that go back to each span of a tracer.
func tracerAttributes(attrs pcommon.Map, env, version string) []keyValue {
	list := make([]keyValue, 0, 6)
	add := func(key, value string) {
		if value != "" {
			list = append(list, keyValue{key, value})
		}
	}
	add("env", env)
	add("version", version)
next:
	for k, v := range attrs.All() {
		switch k {
		case attrBaseService, "language", "runtime-id":
			add(k, v.AsString())
			continue
		}
		for _, prefix := range describesProcess {
			if strings.HasPrefix(k, prefix) {
				continue next
			}
		}
		add(k, v.AsString())
	}
	return list
}
