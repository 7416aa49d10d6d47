package ddspan

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Attribute names.
const (
	attrOperation    = "operation.name"
	attrResource     = "resource.name"
	attrType         = "span.type"
	attrService      = "service.name"
	attrKind         = "span.kind"
	attrPriority     = "_sampling_priority_v1"
	attrEncoding     = "_dd.enc"
	attrLinks        = "_dd.span_links"
	attrEvents       = "events"
	attrTopLevel     = "_dd.top_level"
	attrMeasured     = "_dd.measured"
	attrDM           = "_dd.p.dm"
	attrOrigin       = "_dd.origin"
	attrProcessTags  = "_dd.tags.process"
	attrStatsDone    = "_dd.stats_computed"
	attrBaseService  = "_dd.base_service"
	attrSampleRate   = "_sample_rate"
	attrClientRate   = "_dd1.sr.rcusr"
	attrStatusCode   = "http.status_code"
	attrPeerService  = "peer.service"
	attrPartial      = "_dd.partial_version"
	metricTopLevel   = "_top_level"
	internalPrefix   = "dd.internal."
	sdkNameDatadog   = "datadog"
	unnamedOperation = "unnamed_operation"
)

// What _dd.enc says about the payload a span came in: it sent links or events as fields and not as texts, and its integers typed.
const (
	encNativeLinks  = 1
	encNativeEvents = 2
	encTypedInts    = 4
)

// Source says who made a span.
type Source uint8

// The sources.
const (
	// OTel is anything but a Datadog tracer.
	OTel Source = iota
	// Native is a Datadog tracer whose span came through the datadog receiver.
	Native
	// OverOTLP is a Datadog tracer that exports OTLP.
	OverOTLP
)

// sourceOf tells the source of a span from its resource.
func (r *Resource) sourceOf(attrs pcommon.Map) Source {
	if r.overOTLP {
		return OverOTLP
	}
	if r.tracer {
		if _, ok := attrs.Get(attrOperation); ok {
			return Native
		}
		return OverOTLP
	}
	return OTel
}

func text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	if v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return v.AsString()
}

func firstText(m pcommon.Map, keys ...string) string {
	for _, key := range keys {
		if s := text(m, key); s != "" {
			return s
		}
	}
	return ""
}
