package ddspan

import (
	"strconv"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/transform"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// otel maps a span of any other SDK with DataDog's own mapping, and mends what that spoils.
func (m *Mapper) otel(s ptrace.Span, r *Resource, scope pcommon.InstrumentationScope) *pb.Span {
	dd := transform.OtelSpanToDDSpan(s, r.raw, scope, m.conf)
	for k := range dd.Meta {
		if len(k) > len(internalPrefix) && k[:len(internalPrefix)] == internalPrefix {
			delete(dd.Meta, k)
		}
	}
	if s.Kind() == ptrace.SpanKindUnspecified {
		delete(dd.Meta, attrKind)
	}
	if s.Status().Code() == ptrace.StatusCodeUnset {
		delete(dd.Meta, "otel.status_code")
	}
	if s.Links().Len() > 0 {
		dd.Meta[attrLinks] = linksText(s.Links())
	}
	if s.Events().Len() > 0 {
		events := make([]ptrace.SpanEvent, 0, s.Events().Len())
		for _, e := range s.Events().All() {
			events = append(events, e)
		}
		dd.Meta[attrEvents] = eventsText(events)
	}
	if dd.Error != 0 {
		errorFromException(s.Events(), dd)
	}
	statusCodeFromText(dd)
	return dd
}

// errorFromException takes what the span does not say about its error from the last exception it recorded.
func errorFromException(events ptrace.SpanEventSlice, dd *pb.Span) {
	for i := events.Len() - 1; i >= 0; i-- {
		e := events.At(i)
		if e.Name() != "exception" {
			continue
		}
		for _, kv := range [...]struct{ from, to string }{
			{"exception.type", "error.type"}, {"exception.message", "error.msg"}, {"exception.stacktrace", "error.stack"},
		} {
			if dd.Meta[kv.to] != "" && (kv.to != "error.msg" || dd.Meta[kv.to] != dd.Meta["otel.status_description"]) {
				continue
			}
			if v := text(e.Attributes(), kv.from); v != "" {
				dd.Meta[kv.to] = v
			}
		}
		return
	}
}

// statusCodeFromText makes the number Datadog looks for of a status code that was sent as a text.
func statusCodeFromText(dd *pb.Span) {
	code := dd.Meta[attrStatusCode]
	if code == "" {
		return
	}
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || dd.Metrics[attrStatusCode] != 0 {
		return
	}
	dd.Metrics[attrStatusCode] = float64(n)
	delete(dd.Meta, attrStatusCode)
}
