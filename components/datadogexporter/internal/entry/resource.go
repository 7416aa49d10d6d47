package entry

import (
	"slices"
	"strings"

	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes/source"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Resource is what the records of one resource have in common.
type Resource struct {
	service, host, source string
	common                []string
	env, version          string
	attributes            []value
}

// internalPrefix begins attributes that are between components of this collector.
const internalPrefix = "dd.internal."

// NewResource reads a resource.
func NewResource(attrs pcommon.Map) *Resource {
	r := &Resource{
		service: text(attrs, "service.name"),
		source:  first(text(attrs, "datadog.log.source"), language(text(attrs, "telemetry.sdk.language"))),
		env:     first(text(attrs, "deployment.environment.name"), text(attrs, "deployment.environment")),
		version: text(attrs, "service.version"),
	}
	if src, ok := attributes.SourceFromAttrs(attrs, nil); ok && src.Kind == source.HostnameKind {
		r.host = src.Identifier
	}
	for k, v := range attributes.ContainerTagsFromResourceAttributes(attrs) {
		r.common = append(r.common, k+":"+v)
	}
	var f flat
	f.attributes(attrs)
	r.attributes = f.values
	return r
}

// language is the source of an SDK's logs, as Datadog's pipelines call it.
func language(sdk string) string {
	switch sdk {
	case "python", "nodejs", "java", "go", "ruby", "php":
		return sdk
	case "dotnet":
		return "csharp"
	}
	return ""
}

// tags are all tags of an entry, sorted, each once.
func (r *Resource) tags(env, version, own string, configured []string) string {
	list := slices.Clone(r.common)
	if env = first(env, r.env); env != "" {
		list = append(list, "env:"+env)
	}
	if version = first(version, r.version); version != "" {
		list = append(list, "version:"+version)
	}
	for tag := range strings.SplitSeq(own, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			list = append(list, tag)
		}
	}
	list = append(list, configured...)
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
