package translate

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

const (
	attrServiceName    = "service.name"
	attrServiceVersion = "service.version"
	attrInstanceID     = "service.instance.id"
	attrEnvironment    = "deployment.environment.name"
	attrRuntimeID      = "runtime-id"
	attrSDKName        = "telemetry.sdk.name"
	// attrSemantics is "datadog" on resources of dd-trace-js.
	attrSemantics = "datadog.sdk.semantics"
	datadog       = "datadog"
)

// maxMoved bounds the resources one resource becomes. Spans of further services stay where they are, with their service as an
// attribute.
const maxMoved = 256

// SDK translates spans that Datadog SDKs sent over OTLP: they carry Datadog's tags under Datadog's names, and the service of each span
// as an attribute. It is not safe for concurrent use.
type SDK struct {
	t      *Translator
	moved  map[sdkKey]ptrace.ResourceSpans
	scopes map[sdkScope]ptrace.SpanSlice
	keys   []sdkKey // of the spans of a ScopeSpans
}

// sdkKey is what makes the resource of a span.
type sdkKey struct{ service, env, version, base string }

type sdkScope struct {
	key   sdkKey
	index int
}

// NewSDK returns an SDK.
func NewSDK(o Options) *SDK {
	return &SDK{t: New(o), moved: make(map[sdkKey]ptrace.ResourceSpans), scopes: make(map[sdkScope]ptrace.SpanSlice)}
}

// FromSDK reports whether a Datadog SDK sent the spans of a resource over OTLP. Resources of the datadog receiver, and those that were
// translated already, have a service.instance.id where they have a runtime-id.
func FromSDK(resource pcommon.Resource) bool {
	attrs := resource.Attributes()
	if name, ok := attrs.Get(attrSDKName); !ok || name.Str() != datadog {
		return false
	}
	if semantics, ok := attrs.Get(attrSemantics); ok && semantics.Str() == datadog {
		return true
	}
	_, runtime := attrs.Get(attrRuntimeID)
	_, instance := attrs.Get(attrInstanceID)
	return runtime && !instance
}

// Traces translates the spans of Datadog SDKs in td and leaves all others alone. It returns how many it translated. A span of another
// service than its resource's moves to a resource of its own.
func (s *SDK) Traces(td ptrace.Traces) (spans int) {
	for i := range td.ResourceSpans().Len() {
		if rs := td.ResourceSpans().At(i); FromSDK(rs.Resource()) {
			spans += s.resource(td, rs)
		}
	}
	if spans > 0 {
		td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
			rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool { return ss.Spans().Len() == 0 })
			return rs.ScopeSpans().Len() == 0
		})
	}
	return spans
}

func (s *SDK) resource(td ptrace.Traces, rs ptrace.ResourceSpans) (spans int) {
	clear(s.moved)
	clear(s.scopes)
	s.t.Reset(0)
	own := ownKey(rs.Resource().Attributes())
	for i, ss := range rs.ScopeSpans().All() {
		s.keys = s.keys[:0]
		for _, span := range ss.Spans().All() {
			s.keys = append(s.keys, s.span(span, own))
		}
		spans += len(s.keys)
		n := -1
		ss.Spans().RemoveIf(func(span ptrace.Span) bool {
			n++
			if s.keys[n] == own {
				return false
			}
			to, ok := s.home(td, rs, ss, sdkScope{s.keys[n], i})
			if !ok {
				span.Attributes().PutStr(attrServiceName, s.keys[n].service)
				return false
			}
			span.MoveTo(to.AppendEmpty())
			return true
		})
	}
	for key, to := range s.moved {
		s.describe(to.Resource().Attributes(), key)
	}
	s.describe(rs.Resource().Attributes(), own)
	return spans
}

func ownKey(resource pcommon.Map) (key sdkKey) {
	get := func(name string) string {
		if v, ok := resource.Get(name); ok {
			return v.AsString()
		}
		return ""
	}
	return sdkKey{service: get(attrServiceName), env: get(attrEnvironment), version: get(attrServiceVersion)}
}

// home finds where the spans of a key go, unless there are too many keys.
func (s *SDK) home(td ptrace.Traces, rs ptrace.ResourceSpans, ss ptrace.ScopeSpans, at sdkScope) (ptrace.SpanSlice, bool) {
	if to, ok := s.scopes[at]; ok {
		return to, true
	}
	to, ok := s.moved[at.key]
	if !ok {
		if len(s.moved) == maxMoved {
			return ptrace.SpanSlice{}, false
		}
		to = td.ResourceSpans().AppendEmpty()
		rs.Resource().CopyTo(to.Resource())
		to.SetSchemaUrl(rs.SchemaUrl())
		s.moved[at.key] = to
	}
	scope := to.ScopeSpans().AppendEmpty()
	ss.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(ss.SchemaUrl())
	s.scopes[at] = scope.Spans()
	return scope.Spans(), true
}

// span translates one span in place and returns which resource it belongs to.
func (s *SDK) span(span ptrace.Span, own sdkKey) sdkKey {
	t := s.t
	t.Begin()
	t.Span.SpanID, t.Span.ParentID = ddcontext.SpanIDUint64(span.SpanID()), ddcontext.SpanIDUint64(span.ParentSpanID())
	t.Span.Start = uint64(span.StartTimestamp())
	t.Span.Duration = int64(span.EndTimestamp()) - int64(span.StartTimestamp())
	t.Span.Kind = span.Kind()
	t.Span.Failed = span.Status().Code() == ptrace.StatusCodeError
	span.Links().MoveAndAppendTo(t.Related.span.Links())
	span.Events().MoveAndAppendTo(t.Related.span.Events())
	for name, value := range span.Attributes().All() {
		s.attr(t.Values.Text(name), value)
	}
	if t.Span.Name == intern.Empty {
		t.Span.Name = t.Values.Hold(span.Name())
	}
	message, start, end := span.Status().Message(), span.StartTimestamp(), span.EndTimestamp()
	t.Write(span, time.Now, 0)
	span.SetStartTimestamp(start)
	span.SetEndTimestamp(end)
	if span.Status().Message() == "" {
		span.Status().SetMessage(message)
	}
	key := sdkKey{base: t.Values.String(t.Tags.Base), service: t.Values.String(t.Span.Service), env: t.Values.String(t.Span.Env), version: t.Values.String(t.Span.Version)}
	if key.service == "" {
		key.service = own.service
	}
	if key.env == "" {
		key.env = own.env
	}
	if key.version == "" && key.base == "" {
		// The resource's is that of the process's own service, not of those it calls.
		key.version = own.version
	}
	return key
}

func (s *SDK) attr(key intern.Sym, value pcommon.Value) {
	t := s.t
	switch value.Type() {
	case pcommon.ValueTypeStr:
		text := t.Values.Hold(value.Str())
		if key < numKnown {
			text = t.Values.Text(value.Str())
		}
		if !t.field(key, text) {
			t.Add(StringAttr(key, text))
		}
	case pcommon.ValueTypeInt:
		// Of a whole number in metrics, which is a double in every other protocol.
		t.Add(FloatAttr(key, float64(value.Int())))
	case pcommon.ValueTypeDouble:
		t.Add(FloatAttr(key, value.Double()))
	case pcommon.ValueTypeBool:
		t.Add(BoolAttr(key, value.Bool()))
	case pcommon.ValueTypeEmpty:
	default:
		t.Add(t.Values.Nested(key, value))
	}
}

// field takes an attribute that is a field of the span in other protocols, and reports whether it is one.
func (t *Translator) field(key, value intern.Sym) bool {
	switch key {
	case kOperationName:
		t.Span.Name = value
	case kResourceName:
		t.Span.Resource = value
	case kSpanType:
		t.Span.Type = value
	case kServiceName:
		t.Span.Service = value
	case kTracestate:
		// The span has it as a field.
	default:
		return false
	}
	return true
}

// describe makes a resource say what the receiver would say of the same process and service.
func (s *SDK) describe(attrs pcommon.Map, key sdkKey) {
	process, semantic := &s.t.Process, s.t.Mode() == Semantic
	put := func(name, value string) {
		if value != "" {
			attrs.PutStr(name, value)
		}
	}
	attrs.Remove(attrSemantics)
	put(attrServiceName, key.service)
	put(attrEnvironment, key.env)
	put(attrServiceVersion, key.version)
	if key.version == "" {
		attrs.Remove(attrServiceVersion)
	}
	runtime := s.t.Values.String(process.RuntimeID)
	if v, ok := attrs.Get(attrRuntimeID); ok && runtime == "" {
		runtime = v.Str()
	}
	put(attrInstanceID, runtime)
	put("host.name", s.t.Values.String(process.Hostname))
	if process.PID != 0 {
		attrs.PutInt("process.pid", process.PID)
	}
	if semantic {
		attrs.Remove(attrRuntimeID)
		attrs.RemoveIf(func(name string, _ pcommon.Value) bool { return OnlyDatadog(name) })
		return
	}
	put("language", s.t.Values.String(process.Language))
	put("_dd.tags.process", s.t.Values.String(process.Tags))
	put(AttrBaseService, key.base)
}
