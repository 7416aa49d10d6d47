package ddspan

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// flagsSet is the bit of a native link that says its flags mean something.
const flagsSet = 1 << 31

// links writes the links in the form they came in.
func (c *nativeCopy) links(links ptrace.SpanLinkSlice) {
	if links.Len() == 0 {
		return
	}
	if c.enc&encNativeLinks != 0 {
		for _, l := range links.All() {
			c.dd.SpanLinks = append(c.dd.SpanLinks, nativeLink(l))
		}
		return
	}
	c.dd.Meta[attrLinks] = linksText(links)
}

func nativeLink(l ptrace.SpanLink) *pb.SpanLink {
	tid, sid := l.TraceID(), l.SpanID()
	link := &pb.SpanLink{
		TraceID:     binary.BigEndian.Uint64(tid[8:]),
		TraceIDHigh: binary.BigEndian.Uint64(tid[:8]),
		SpanID:      binary.BigEndian.Uint64(sid[:]),
		Tracestate:  l.TraceState().AsRaw(),
		Flags:       l.Flags(),
		Attributes:  make(map[string]string, l.Attributes().Len()),
	}
	if link.Flags != 0 {
		link.Flags |= flagsSet
	}
	for k, v := range l.Attributes().All() {
		link.Attributes[k] = v.AsString()
	}
	return link
}

type jsonLink struct {
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	TraceState string            `json:"tracestate,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Dropped    uint32            `json:"dropped_attributes_count,omitempty"`
	Flags      uint32            `json:"flags,omitempty"`
}

// linksText is the JSON Datadog reads links from. encoding/json escapes what an attribute may hold and repairs invalid UTF-8.
func linksText(links ptrace.SpanLinkSlice) string {
	list := make([]jsonLink, 0, links.Len())
	for _, l := range links.All() {
		tid, sid := l.TraceID(), l.SpanID()
		link := jsonLink{
			TraceID: hex.EncodeToString(tid[:]), SpanID: hex.EncodeToString(sid[:]),
			TraceState: l.TraceState().AsRaw(), Flags: l.Flags(), Dropped: l.DroppedAttributesCount(),
		}
		if n := l.Attributes().Len(); n > 0 {
			link.Attributes = make(map[string]string, n)
			for k, v := range l.Attributes().All() {
				link.Attributes[k] = v.AsString()
			}
		}
		list = append(list, link)
	}
	out, err := json.Marshal(list)
	if err != nil {
		return "[]" // strings and numbers always encode
	}
	return string(out)
}

// events writes the events in the form they came in, without the exception the receiver made of the span's error.
func (c *nativeCopy) events(s ptrace.Span) {
	events := s.Events()
	if events.Len() == 0 {
		return
	}
	keep := make([]ptrace.SpanEvent, 0, events.Len())
	for _, e := range events.All() {
		if !c.isMadeException(s, e) {
			keep = append(keep, e)
		}
	}
	if len(keep) == 0 {
		return
	}
	if c.enc&encNativeEvents != 0 {
		for _, e := range keep {
			c.dd.SpanEvents = append(c.dd.SpanEvents, nativeEvent(e))
		}
		return
	}
	c.dd.Meta[attrEvents] = eventsText(keep)
}

// isMadeException reports whether an event says what the span's own error attributes say, at the span's end.
func (c *nativeCopy) isMadeException(s ptrace.Span, e ptrace.SpanEvent) bool {
	if e.Name() != "exception" || e.Timestamp() != s.EndTimestamp() || e.DroppedAttributesCount() != 0 {
		return false
	}
	for k, v := range e.Attributes().All() {
		var own string
		switch k {
		case "exception.type":
			own = text(c.attrs, "error.type")
		case "exception.message":
			own = firstText(c.attrs, "error.message", "error.msg")
		case "exception.stacktrace":
			own = text(c.attrs, "error.stack")
		default:
			return false
		}
		if own != v.AsString() {
			return false
		}
	}
	return true
}

func nativeEvent(e ptrace.SpanEvent) *pb.SpanEvent {
	event := &pb.SpanEvent{TimeUnixNano: uint64(e.Timestamp()), Name: e.Name(), Attributes: make(map[string]*pb.AttributeAnyValue, e.Attributes().Len())}
	for k, v := range e.Attributes().All() {
		event.Attributes[k] = anyValue(v)
	}
	return event
}

func anyValue(v pcommon.Value) *pb.AttributeAnyValue {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_BOOL_VALUE, BoolValue: v.Bool()}
	case pcommon.ValueTypeInt:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_INT_VALUE, IntValue: v.Int()}
	case pcommon.ValueTypeDouble:
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_DOUBLE_VALUE, DoubleValue: v.Double()}
	case pcommon.ValueTypeSlice:
		array := &pb.AttributeArray{}
		for _, item := range v.Slice().All() {
			array.Values = append(array.Values, arrayValue(item))
		}
		return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_ARRAY_VALUE, ArrayValue: array}
	}
	return &pb.AttributeAnyValue{Type: pb.AttributeAnyValue_STRING_VALUE, StringValue: v.AsString()}
}

func arrayValue(v pcommon.Value) *pb.AttributeArrayValue {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return &pb.AttributeArrayValue{Type: pb.AttributeArrayValue_BOOL_VALUE, BoolValue: v.Bool()}
	case pcommon.ValueTypeInt:
		return &pb.AttributeArrayValue{Type: pb.AttributeArrayValue_INT_VALUE, IntValue: v.Int()}
	case pcommon.ValueTypeDouble:
		return &pb.AttributeArrayValue{Type: pb.AttributeArrayValue_DOUBLE_VALUE, DoubleValue: v.Double()}
	}
	return &pb.AttributeArrayValue{Type: pb.AttributeArrayValue_STRING_VALUE, StringValue: v.AsString()}
}

type jsonEvent struct {
	Time       uint64         `json:"time_unix_nano,omitempty"`
	Name       string         `json:"name"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Dropped    uint32         `json:"dropped_attributes_count,omitempty"`
}

// eventsText is the JSON Datadog reads events from.
func eventsText(events []ptrace.SpanEvent) string {
	list := make([]jsonEvent, 0, len(events))
	for _, e := range events {
		event := jsonEvent{Time: uint64(e.Timestamp()), Name: e.Name(), Dropped: e.DroppedAttributesCount()}
		if e.Attributes().Len() > 0 {
			event.Attributes = e.Attributes().AsRaw()
		}
		list = append(list, event)
	}
	out, err := json.Marshal(list)
	if err == nil {
		return string(out)
	}
	// NaN and infinity have no JSON: they go as texts.
	for i, e := range events {
		for k, v := range e.Attributes().All() {
			if _, err := json.Marshal(v.AsRaw()); err != nil {
				list[i].Attributes[k] = v.AsString()
			}
		}
	}
	if out, err = json.Marshal(list); err != nil {
		return "[]"
	}
	return string(out)
}
