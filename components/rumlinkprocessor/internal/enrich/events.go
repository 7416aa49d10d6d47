package enrich

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

const (
	// MaxEvents is the most that EventRule.Most may be.
	MaxEvents = 128
	// maxEventBytes bounds one event; a larger one loses its attributes.
	maxEventBytes      = 16 << 10
	maxEventAttributes = 64

	attrLogBody     = "log.body"
	attrLogSeverity = "log.severity"
)

// EventRule says which logs become span events.
type EventRule struct {
	// Least is the least severity.
	Least plog.SeverityNumber
	// Names are patterns of event names that are wanted whatever the severity.
	Names []string
	// Most is how many events one span gains; 0 none.
	Most int
	// MaxRunes is the longest text that is copied.
	MaxRunes int
}

// ValidPatterns returns an error that names the first invalid pattern.
func ValidPatterns(patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("spans::events::event_names must hold patterns, got %q: %w", p, err)
		}
	}
	return nil
}

// Wants reports whether a log becomes a span event.
func (r *EventRule) Wants(lr plog.LogRecord) bool {
	if r.Most == 0 {
		return false
	}
	if lr.SeverityNumber() >= r.Least {
		return true
	}
	if lr.EventName() == "" {
		return false
	}
	return slices.ContainsFunc(r.Names, func(p string) bool {
		ok, _ := path.Match(p, lr.EventName()) // patterns were checked at start
		return ok
	})
}

// Encode makes the span event of a log, by the rules of the event-to-span-event
// bridge (OpenTelemetry specification, logs/sdk.md): the name is the event name,
// the time is Timestamp, else ObservedTimestamp, and all attributes come along.
// A log that is no event is named "exception" if it describes one, else "log",
// and brings its body, which a span event has no place for, as an attribute.
func (r *EventRule) Encode(lr plog.LogRecord) string {
	td := ptrace.NewTraces()
	ev := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().Events().AppendEmpty()
	ev.SetTimestamp(lr.Timestamp())
	if ev.Timestamp() == 0 {
		ev.SetTimestamp(lr.ObservedTimestamp())
	}
	ev.SetDroppedAttributesCount(lr.DroppedAttributesCount())
	ev.SetName("log")
	for k, v := range lr.Attributes().All() {
		if strings.HasPrefix(k, index.LinkPrefix) {
			continue // ours, about the log and not about what happened
		}
		if strings.HasPrefix(k, "exception.") {
			ev.SetName("exception")
		}
		if ev.Attributes().Len() == maxEventAttributes {
			ev.SetDroppedAttributesCount(ev.DroppedAttributesCount() + 1)
			continue
		}
		to := ev.Attributes().PutEmpty(k)
		v.CopyTo(to)
		if to.Type() == pcommon.ValueTypeStr {
			to.SetStr(index.Cut(to.Str(), r.MaxRunes))
		}
	}
	if lr.EventName() != "" {
		ev.SetName(lr.EventName())
	} else if body := lr.Body(); body.Type() == pcommon.ValueTypeStr {
		putAbsent(ev.Attributes(), attrLogBody, index.Cut(body.Str(), r.MaxRunes))
		if lr.SeverityText() != "" {
			putAbsent(ev.Attributes(), attrLogSeverity, lr.SeverityText())
		}
	}
	m := ptrace.ProtoMarshaler{}
	if m.TracesSize(td) > maxEventBytes {
		ev.SetDroppedAttributesCount(ev.DroppedAttributesCount() + uint32(ev.Attributes().Len()))
		ev.Attributes().Clear()
		ev.SetName(index.Cut(ev.Name(), r.MaxRunes))
	}
	raw, _ := m.MarshalTraces(td) // what pdata holds can be marshaled
	return string(raw)
}

// Attach adds the pending events that the span does not have yet, in order of
// time whatever the order of arrival, and returns how many.
func Attach(span ptrace.Span, encoded []string) (added int64) {
	type decoded struct {
		ptrace.SpanEvent
		raw string
	}
	events := make([]decoded, 0, len(encoded))
	for _, raw := range encoded {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces([]byte(raw))
		if err != nil {
			continue // cannot happen: we wrote it
		}
		ev := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Events().At(0)
		events = append(events, decoded{ev, raw})
	}
	slices.SortStableFunc(events, func(a, b decoded) int {
		return cmp.Or(cmp.Compare(a.Timestamp(), b.Timestamp()), cmp.Compare(a.raw, b.raw))
	})
	had := span.Events().Len()
	for _, ev := range events {
		if !hasEvent(span, had, ev.SpanEvent) {
			ev.MoveTo(span.Events().AppendEmpty())
			added++
		}
	}
	return added
}

// hasEvent reports whether one of the span's own first n events is ev already: an
// SDK with a bridge of its own, or an earlier hop, has written it.
func hasEvent(span ptrace.Span, n int, ev ptrace.SpanEvent) bool {
	for i := range n {
		own := span.Events().At(i)
		if own.Name() == ev.Name() && own.Timestamp() == ev.Timestamp() {
			return true
		}
	}
	return false
}
