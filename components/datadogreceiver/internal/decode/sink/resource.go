package sink

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Headers is what a request says about its sender beside the payload. Empty fields are unknown.
type Headers struct {
	Lang, LangVersion, Interpreter, TracerVersion string
	ContainerID, PodUID, ContainerName            string
	ProcessTags                                   string
	StatsComputed                                 bool
}

// Payload is what the spans of one tracer's payload share. It becomes resource attributes when the payload ends.
type Payload struct {
	Headers
	Env, Hostname, AppVersion intern.Sym
	Attrs                     []translate.Attr

	firstResource int
	firstEnv      intern.Sym
}

// resourceKey is what makes a resource different from another of the same payload.
type resourceKey struct{ service, env, version, base intern.Sym }

// resource is one ResourceSpans of the result.
type resource struct {
	key   resourceKey
	attrs pcommon.Map
	spans ptrace.SpanSlice

	// As of the chunk with this number: which span here is its first, and whether one has the priority.
	chunk       int
	first       int
	hasPriority bool
}

// placed is a span that is in the result already: where, and its trace id as it said it.
type placed struct {
	resource, index int
	low, high       uint64
}

// resources are those of a result. The index is of the payload that is read.
type resources struct {
	list  []resource
	index map[resourceKey]int
	last  int
}

func (r *resources) reset() {
	clear(r.list)
	r.list = r.list[:0]
	clear(r.index)
	r.last = -1
}

// find finds or makes the resource with a key.
func (r *resources) find(td ptrace.Traces, key resourceKey, p *Payload) (int, error) {
	if r.last >= p.firstResource && r.list[r.last].key == key {
		return r.last, nil
	}
	i, ok := r.index[key]
	if !ok {
		if len(r.list) == MaxResources {
			return 0, ErrTooManyResources
		}
		if p.firstEnv == intern.Empty {
			p.firstEnv = key.env
		}
		rs := td.ResourceSpans().AppendEmpty()
		i = len(r.list)
		r.list = append(r.list, resource{key: key, attrs: rs.Resource().Attributes(), spans: rs.ScopeSpans().AppendEmpty().Spans()})
		r.index[key] = i
	}
	r.last = i
	return i, nil
}

// PayloadAttr takes an attribute of the payload. They go to its resources.
func (s *Sink) PayloadAttr(a translate.Attr) {
	if text, ok := a.Text(); ok && s.Process.Take(a.Key, text) {
		return
	}
	if len(s.Payload.Attrs) == MaxShared {
		s.BadAttributes++
		return
	}
	s.Payload.Attrs = append(s.Payload.Attrs, a)
}

// NextPayload starts the payload of one tracer of several, with what is known of all of them.
func (s *Sink) NextPayload(shared Payload, process translate.Process) {
	s.Payload, s.Process = shared, process
	s.Payload.firstResource = len(s.resources.list)
}

// EndPayload writes the resources of the payload.
func (s *Sink) EndPayload() {
	for i := s.Payload.firstResource; i < len(s.resources.list); i++ {
		s.describe(&s.resources.list[i])
	}
	s.Payload.firstResource = len(s.resources.list)
	clear(s.resources.index)
}

// describe writes semantic conventions first, then what Datadog's exporter reads and has no other name for.
func (s *Sink) describe(r *resource) {
	p, process := &s.Payload, &s.Process
	var b xpdata.MapBuilder
	b.EnsureCapacity(20)
	str := func(key, value string) {
		if value != "" {
			b.AppendEmpty(key).SetStr(value)
		}
	}
	first := func(key string, values ...intern.Sym) {
		for _, y := range values {
			if y != intern.Empty {
				b.AppendEmpty(key).SetStr(s.Values.String(y))
				return
			}
		}
	}
	service := s.Values.String(r.key.service)
	if service == "" {
		service = "unknown_service"
	}
	str("service.name", service)
	version := r.key.version
	if version == intern.Empty && r.key.base == intern.Empty {
		// The payload's is that of the process's own service, not of those it calls.
		version = p.AppVersion
	}
	first("service.version", version)
	first("service.instance.id", process.RuntimeID)
	first("deployment.environment.name", r.key.env, p.Env, p.firstEnv)
	first("host.name", p.Hostname, process.Hostname)
	str("container.id", p.ContainerID)
	str("k8s.pod.uid", p.PodUID)
	str("k8s.container.name", p.ContainerName)
	if process.PID != 0 {
		b.AppendEmpty("process.pid").SetInt(process.PID)
	}
	str("process.runtime.name", p.Interpreter)
	str("process.runtime.version", p.LangVersion)
	str("telemetry.sdk.name", "datadog")
	str("telemetry.sdk.language", sdkLanguage(p.Lang))
	str("telemetry.sdk.version", p.TracerVersion)
	if s.Mode() != translate.Semantic {
		first("runtime-id", process.RuntimeID)
		first("language", process.Language)
		first(translate.AttrBaseService, r.key.base)
		if process.Tags == intern.Empty {
			str("_dd.tags.process", p.ProcessTags)
		}
		first("_dd.tags.process", process.Tags)
		if p.StatsComputed {
			str("_dd.stats_computed", "true")
		}
	}
	b.UnsafeIntoMap(r.attrs)
	for _, a := range p.Attrs {
		key := s.Values.String(a.Key)
		if _, ok := r.attrs.Get(key); !ok && (s.Mode() != translate.Semantic || !translate.OnlyDatadog(key)) {
			s.Values.PutCopy(a, r.attrs.PutEmpty(key))
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

// span finds a span that was placed.
func (r *resources) span(p *placed) ptrace.Span { return r.list[p.resource].spans.At(p.index) }

func putIfAbsent(m pcommon.Map, key, value string) {
	if v, ok := m.GetOrPutEmpty(key); !ok {
		v.SetStr(value)
	}
}
