package ddparity

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
)

// indexed is a payload in the form in which the Agent passes v1.0 on: texts are numbers of a table.
type indexed struct{ *idx.TracerPayload }

func (p indexed) text(ref uint32) string { return p.Strings[ref] }

// payload says the same with the fields that the older formats have, which are those the exporter sends.
func (p indexed) payload() *pb.TracerPayload {
	out := &pb.TracerPayload{
		ContainerID: p.text(p.ContainerIDRef), LanguageName: p.text(p.LanguageNameRef), LanguageVersion: p.text(p.LanguageVersionRef),
		TracerVersion: p.text(p.TracerVersionRef), RuntimeID: p.text(p.RuntimeIDRef), Env: p.text(p.EnvRef), Hostname: p.text(p.HostnameRef),
		AppVersion: p.text(p.AppVersionRef), Tags: p.texts(p.Attributes),
	}
	for _, c := range p.Chunks {
		chunk := &pb.TraceChunk{Priority: c.Priority, Origin: p.text(c.OriginRef), DroppedTrace: c.DroppedTrace, Tags: map[string]string{}}
		if c.SamplingMechanism != 0 {
			chunk.Tags["_dd.p.dm"] = "-" + strconv.FormatUint(uint64(c.SamplingMechanism), 10)
		}
		// What is said of the trace is on its first span in the older formats.
		ofTrace := p.texts(c.Attributes)
		delete(ofTrace, "service") // they don't say it
		if high := binary.BigEndian.Uint64(c.TraceID); high != 0 {
			ofTrace["_dd.p.tid"] = hex.EncodeToString(c.TraceID[:8])
		}
		for i, s := range c.Spans {
			span := p.span(s)
			span.TraceID = binary.BigEndian.Uint64(c.TraceID[8:])
			if i == 0 {
				maps.Copy(span.Meta, ofTrace)
			}
			chunk.Spans = append(chunk.Spans, span)
		}
		out.Chunks = append(out.Chunks, chunk)
	}
	return out
}

func (p indexed) span(s *idx.Span) *pb.Span {
	out := &pb.Span{
		Service: p.text(s.ServiceRef), Name: p.text(s.NameRef), Resource: p.text(s.ResourceRef), Type: p.text(s.TypeRef),
		SpanID: s.SpanID, ParentID: s.ParentID, Start: int64(s.Start), Duration: int64(s.Duration),
		Meta: map[string]string{}, Metrics: map[string]float64{}, MetaStruct: map[string][]byte{},
	}
	if s.Error {
		out.Error = 1
	}
	for ref, v := range s.Attributes {
		switch v := v.Value.(type) {
		case *idx.AnyValue_DoubleValue:
			out.Metrics[p.text(ref)] = v.DoubleValue
		case *idx.AnyValue_IntValue:
			out.Metrics[p.text(ref)] = float64(v.IntValue)
		case *idx.AnyValue_BytesValue:
			out.MetaStruct[p.text(ref)] = v.BytesValue
		default:
			out.Meta[p.text(ref)] = fmt.Sprint(p.value(s.Attributes[ref]))
		}
	}
	for k, v := range map[string]string{"env": p.text(s.EnvRef), "version": p.text(s.VersionRef), "component": p.text(s.ComponentRef)} {
		if v != "" {
			out.Meta[k] = v
		}
	}
	if s.Kind != idx.SpanKind_SPAN_KIND_UNSPECIFIED {
		out.Meta["span.kind"] = strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"))
	}
	for _, l := range s.Links {
		out.SpanLinks = append(out.SpanLinks, &pb.SpanLink{
			TraceID: binary.BigEndian.Uint64(l.TraceID[8:]), TraceIDHigh: binary.BigEndian.Uint64(l.TraceID), SpanID: l.SpanID,
			Tracestate: p.text(l.TracestateRef), Flags: l.Flags, Attributes: p.texts(l.Attributes),
		})
	}
	for _, e := range s.Events {
		event := &pb.SpanEvent{TimeUnixNano: e.Time, Name: p.text(e.NameRef), Attributes: map[string]*pb.AttributeAnyValue{}}
		for ref, v := range e.Attributes {
			event.Attributes[p.text(ref)] = p.anyValue(v)
		}
		out.SpanEvents = append(out.SpanEvents, event)
	}
	return out
}

func (p indexed) value(v *idx.AnyValue) any {
	switch v := v.Value.(type) {
	case *idx.AnyValue_StringValueRef:
		return p.text(v.StringValueRef)
	case *idx.AnyValue_BoolValue:
		return v.BoolValue
	case *idx.AnyValue_IntValue:
		return v.IntValue
	case *idx.AnyValue_DoubleValue:
		return v.DoubleValue
	case *idx.AnyValue_ArrayValue:
		list := make([]any, 0, len(v.ArrayValue.Values))
		for _, item := range v.ArrayValue.Values {
			list = append(list, p.value(item))
		}
		return list
	}
	return v.String()
}

func (p indexed) anyValue(v *idx.AnyValue) *pb.AttributeAnyValue {
	if v, ok := v.Value.(*idx.AnyValue_ArrayValue); ok {
		array := &pb.AttributeArray{}
		for _, item := range v.ArrayValue.Values {
			one := p.anyValue(item)
			array.Values = append(array.Values, &pb.AttributeArrayValue{
				Type: pb.AttributeArrayValue_AttributeArrayValueType(one.Type), StringValue: one.StringValue, BoolValue: one.BoolValue,
				IntValue: one.IntValue, DoubleValue: one.DoubleValue,
			})
		}
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_ARRAY_VALUE, ArrayValue: array}
	}
	switch v := p.value(v).(type) {
	case bool:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_BOOL_VALUE, BoolValue: v}
	case int64:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_INT_VALUE, IntValue: v}
	case float64:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_DOUBLE_VALUE, DoubleValue: v}
	default:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_STRING_VALUE, StringValue: fmt.Sprint(v)}
	}
}

func (p indexed) texts(attrs map[uint32]*idx.AnyValue) map[string]string {
	out := make(map[string]string, len(attrs))
	for ref, v := range attrs {
		out[p.text(ref)] = fmt.Sprint(p.value(v))
	}
	return out
}
