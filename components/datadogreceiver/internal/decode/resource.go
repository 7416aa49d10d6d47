package decode

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// groupKey is what makes a resource different from another of the same payload.
type groupKey struct{ service, env, version, base sym }

// group is one ResourceSpans of the result.
type group struct {
	key      groupKey
	resource pcommon.Resource
	spans    ptrace.SpanSlice

	// As of the chunk with this number: which span here is its first, and whether one has the priority.
	chunk       int
	first       int
	hasPriority bool
}

// payload is what the spans of one tracer's payload share. It becomes resource attributes when the payload ends.
type payload struct {
	Headers
	firstGroup int

	env, hostname, appVersion                  sym
	firstEnv                                   sym
	runtimeID, language, processTags, spanHost sym
	pid                                        int64
	attrs                                      []attr
}

// group finds or makes the ResourceSpans of the span being filled.
func (d *Decoder) group() (int, error) {
	sp := &d.span
	key := groupKey{service: sp.service, env: sp.env, version: sp.version, base: sp.base}
	// Spans of two services often take turns.
	for _, g := range d.lastGroups {
		if g >= d.payload.firstGroup && d.groups[g].key == key {
			return g, nil
		}
	}
	d.lastGroups[1] = d.lastGroups[0]
	if g, ok := d.groupIndex[key]; ok {
		d.lastGroups[0] = g
		return g, nil
	}
	if len(d.groups) == maxResources {
		return 0, ErrTooManyResources
	}
	if d.payload.firstEnv == noSym {
		d.payload.firstEnv = key.env
	}
	rs := d.td.ResourceSpans().AppendEmpty()
	g := len(d.groups)
	d.lastGroups[0] = g
	d.groups = append(d.groups, group{key: key, resource: rs.Resource(), spans: rs.ScopeSpans().AppendEmpty().Spans()})
	d.groupIndex[key] = g
	return g, nil
}

// hoist moves what is the same for a whole process from the span to the resource. A span that says otherwise keeps its own.
func (d *Decoder) hoist(key, value sym) bool {
	slot := &d.payload.runtimeID
	switch key {
	case kLanguage:
		slot = &d.payload.language
	case kProcessTags:
		slot = &d.payload.processTags
	case kHostname:
		slot = &d.payload.spanHost
	}
	if *slot == noSym {
		*slot = value
	}
	return *slot == value
}

// endPayload writes the resources of the payload.
func (d *Decoder) endPayload() {
	for i := d.payload.firstGroup; i < len(d.groups); i++ {
		d.resource(&d.groups[i])
	}
	clear(d.groupIndex)
}

// resource writes semantic conventions first, then what Datadog's exporter reads and has no other name for.
func (d *Decoder) resource(g *group) {
	p := &d.payload
	b := &d.builder
	str := func(key, value string) {
		if value != "" {
			b.AppendEmpty(key).SetStr(value)
		}
	}
	text := func(key string, values ...sym) {
		for _, y := range values {
			if y != noSym {
				b.AppendEmpty(key).SetStr(d.syms.text(y))
				return
			}
		}
	}
	b.EnsureCapacity(20)
	service := d.syms.text(g.key.service)
	if service == "" {
		service = "unknown_service"
	}
	str("service.name", service)
	version := g.key.version
	if version == noSym && g.key.base == noSym {
		// The payload's is that of the process's own service, not of those it calls.
		version = p.appVersion
	}
	text("service.version", version)
	text("service.instance.id", p.runtimeID)
	text("deployment.environment.name", g.key.env, p.env, p.firstEnv)
	text("host.name", p.hostname, p.spanHost)
	str("container.id", p.ContainerID)
	str("k8s.pod.uid", p.PodUID)
	str("k8s.container.name", p.ContainerName)
	if p.pid != 0 {
		b.AppendEmpty("process.pid").SetInt(p.pid)
	}
	str("process.runtime.name", p.Interpreter)
	str("process.runtime.version", p.LangVersion)
	str("telemetry.sdk.name", "datadog")
	str("telemetry.sdk.language", sdkLanguage(p.Lang))
	str("telemetry.sdk.version", p.TracerVersion)
	if d.mode != Semantic {
		text("runtime-id", p.runtimeID)
		text("language", p.language)
		text("_dd.base_service", g.key.base)
		if p.processTags == noSym {
			str("_dd.tags.process", p.ProcessTags)
		}
		text("_dd.tags.process", p.processTags)
		if p.StatsComputed {
			str("_dd.stats_computed", "true")
		}
	}
	attrs := g.resource.Attributes()
	b.UnsafeIntoMap(attrs)
	for _, a := range p.attrs {
		key := d.syms.text(a.key)
		if _, ok := attrs.Get(key); !ok && (d.mode != Semantic || !onlyDatadog(key)) {
			d.putCopy(a, attrs.PutEmpty(key))
		}
	}
}

// sdkLanguage is the value semantic conventions have for the language a tracer calls itself.
func sdkLanguage(lang string) string {
	switch lang = strings.ToLower(lang); lang {
	case ".net":
		return "dotnet"
	case "javascript":
		return "nodejs"
	case "c++":
		return "cpp"
	}
	return lang
}
