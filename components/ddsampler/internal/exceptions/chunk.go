package exceptions

import (
	"encoding/binary"
	"strings"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Chunk is what the samplers look at of one trace in a batch. The zero value is an empty one.
type Chunk struct {
	env      string // of the first span
	spans    pb.Trace
	entries  []*pb.Span
	hasError bool
}

// Add takes a span of a resource in an environment.
func (c *Chunk) Add(span ptrace.Span, resource pcommon.Map, env string) {
	if len(c.spans) == 0 {
		c.env = env
	}
	dd := describe(span, text(resource, "service.name"))
	c.spans = append(c.spans, dd)
	c.hasError = c.hasError || dd.Error != 0
	if isEntry(span) {
		// The samplers write on what they are shown, so what one of them wrote is not for the other.
		c.entries = append(c.entries, &pb.Span{
			Service: dd.Service, Name: dd.Name, Resource: dd.Resource, Error: dd.Error, Meta: dd.Meta, Metrics: map[string]float64{"_top_level": 1},
		})
	}
}

// describe returns what makes the signature of a span.
func describe(span ptrace.Span, serviceName string) *pb.Span {
	attrs := span.Attributes()
	id := span.TraceID()
	spanID, parentID := span.SpanID(), span.ParentSpanID()
	dd := &pb.Span{
		Service: serviceName, Name: text(attrs, "operation.name"), Resource: text(attrs, "resource.name"),
		TraceID: binary.BigEndian.Uint64(id[8:]), SpanID: binary.BigEndian.Uint64(spanID[:]), ParentID: binary.BigEndian.Uint64(parentID[:]),
		Meta: map[string]string{},
	}
	if dd.Name == "" {
		dd.Name = span.Name()
	}
	if dd.Resource == "" {
		dd.Resource = span.Name()
	}
	if span.Status().Code() == ptrace.StatusCodeError {
		dd.Error = 1
	}
	if code := text(attrs, "http.status_code", "http.response.status_code"); code != "" {
		dd.Meta["http.status_code"] = code
	}
	if kind := text(attrs, "error.type"); kind != "" {
		dd.Meta["error.type"] = kind
	}
	return dd
}

// isEntry reports whether a span is the first of its service: a tracer says so, or its kind or missing parent does.
func isEntry(span ptrace.Span) bool {
	if span.ParentSpanID().IsEmpty() || span.Kind() == ptrace.SpanKindServer || span.Kind() == ptrace.SpanKindConsumer {
		return true
	}
	for _, key := range [...]string{"_dd.top_level", "_dd.measured"} {
		if text(span.Attributes(), key) == "1" {
			return true
		}
	}
	return false
}

// text returns the first of some attributes that is there.
func text(attrs pcommon.Map, keys ...string) string {
	for _, key := range keys {
		v, ok := attrs.Get(key)
		if !ok {
			continue
		}
		if v.Type() == pcommon.ValueTypeStr {
			return v.Str()
		}
		return v.AsString()
	}
	return ""
}

func (v service) clone() service { return service{strings.Clone(v.name), strings.Clone(v.env)} }
