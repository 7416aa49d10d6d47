package rumlinkprocessor

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	maxEventsPerSpan = 128
	// maxEventBytes bounds one event; a larger one loses its attributes.
	maxEventBytes      = 16 << 10
	maxEventAttributes = 64

	attrLogBody     = "log.body"
	attrLogSeverity = "log.severity"
)

// pendingEvents are events for a span that has yet to come, each as OTLP
// bytes: exact in size, without pointers, and never changed by those who read.
type pendingEvents struct{ encoded []string }

func (p *pendingEvents) bytes() (n int64) {
	if p != nil {
		for _, e := range p.encoded {
			n += eventBytes(e)
		}
	}
	return n
}

// eventBytes is what an event costs: itself and what the allocator rounds up,
// its header and the slack of the slice, and its share of pendingEvents.
func eventBytes(encoded string) int64 { return int64(len(encoded)+len(encoded)/6) + 80 }

func (e *entry) addEvent(encoded string, most int) (grown int64, kept bool) {
	if e.events == nil {
		e.events = new(pendingEvents)
	}
	if len(e.events.encoded) >= most {
		return 0, false
	}
	e.events.encoded = append(e.events.encoded, encoded)
	return eventBytes(encoded), true
}

// eventRule says which logs become span events.
type eventRule struct {
	least    plog.SeverityNumber
	names    []string
	most     int
	maxRunes int
}

func validPatterns(patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("spans::events::event_names must hold patterns, got %q: %w", p, err)
		}
	}
	return nil
}

func (r *eventRule) wants(lr plog.LogRecord) bool {
	if r.most == 0 {
		return false
	}
	if lr.SeverityNumber() >= r.least {
		return true
	}
	if lr.EventName() == "" {
		return false
	}
	return slices.ContainsFunc(r.names, func(p string) bool {
		ok, _ := path.Match(p, lr.EventName()) // patterns were checked at start
		return ok
	})
}

// encode makes the span event of a log, by the rules of the event-to-span-event
// bridge (OpenTelemetry specification, logs/sdk.md): the name is the event name,
// the time is Timestamp, else ObservedTimestamp, and all attributes come along.
// A log that is no event is named "exception" if it describes one, else "log",
// and brings its body, which a span event has no place for, as an attribute.
func (r *eventRule) encode(lr plog.LogRecord) (string, error) {
	td := ptrace.NewTraces()
	ev := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().Events().AppendEmpty()
	ev.SetTimestamp(lr.Timestamp())
	if ev.Timestamp() == 0 {
		ev.SetTimestamp(lr.ObservedTimestamp())
	}
	ev.SetDroppedAttributesCount(lr.DroppedAttributesCount())
	ev.SetName("log")
	for k, v := range lr.Attributes().All() {
		if strings.HasPrefix(k, linkPrefix) {
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
			to.SetStr(cut(to.Str(), r.maxRunes))
		}
	}
	if lr.EventName() != "" {
		ev.SetName(lr.EventName())
	} else if body := lr.Body(); body.Type() == pcommon.ValueTypeStr {
		putAbsent(ev.Attributes(), attrLogBody, cut(body.Str(), r.maxRunes))
		if lr.SeverityText() != "" {
			putAbsent(ev.Attributes(), attrLogSeverity, lr.SeverityText())
		}
	}
	m := ptrace.ProtoMarshaler{}
	if m.TracesSize(td) > maxEventBytes {
		ev.SetDroppedAttributesCount(ev.DroppedAttributesCount() + uint32(ev.Attributes().Len()))
		ev.Attributes().Clear()
		ev.SetName(cut(ev.Name(), r.maxRunes))
	}
	raw, err := m.MarshalTraces(td)
	return string(raw), err
}

// attach adds the pending events that the span does not have yet, in order of
// time whatever the order of arrival, and returns how many.
func attach(span ptrace.Span, encoded []string) (added int64) {
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

// hasEvent says whether one of the span's own first n events is ev already: an
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

func newEventRule(cfg *Config) eventRule {
	least, _ := severityNumber(cfg.Spans.Events.MinSeverity) // checked at start
	return eventRule{
		least:    least,
		names:    cfg.Spans.Events.EventNames,
		most:     cfg.Spans.Events.MaxPerSpan,
		maxRunes: cfg.MaxValueLength,
	}
}
