package tagtruncate

import "go.opentelemetry.io/collector/pdata/ptrace"

func (t *truncator) limitSpan(span ptrace.Span, done *tally, report *keyList) {
	if n := t.span.limit(span.Attributes(), done, report); n > 0 {
		span.SetDroppedAttributesCount(span.DroppedAttributesCount() + n)
	}
	if name, cut := t.text(span.Name(), t.spanLimits.MaxName, inSpan, nameLength, done); cut {
		span.SetName(name)
		report.add("name")
	}
	if msg := span.Status().Message(); msg != "" {
		if msg, cut := t.text(msg, t.spanLimits.MaxStatusMessage, inSpan, statusLength, done); cut {
			span.Status().SetMessage(msg)
			report.add("status.message")
		}
	}
	if span.Events().Len() > 0 {
		t.limitEvents(span, done)
	}
	if span.Links().Len() > 0 {
		t.limitLinks(span, done)
	}
	if report != nil {
		report.write(span.Attributes(), t.span.maxAttributes)
	}
}

func (t *truncator) limitEvents(span ptrace.Span, done *tally) {
	events := span.Events()
	if most := t.spanLimits.MaxEvents; most > 0 && events.Len() > most {
		span.SetDroppedEventsCount(span.DroppedEventsCount() + uint32(events.Len()-most))
		i := 0
		events.RemoveIf(func(ptrace.SpanEvent) bool {
			i++
			if i > most {
				done.add(inEvent, itemCount, 0)
			}
			return i > most
		})
	}
	for _, event := range events.All() {
		if n := t.event.limit(event.Attributes(), done, nil); n > 0 {
			event.SetDroppedAttributesCount(event.DroppedAttributesCount() + n)
		}
		if name, cut := t.text(event.Name(), t.eventName, inEvent, nameLength, done); cut {
			event.SetName(name)
		}
	}
}

func (t *truncator) limitLinks(span ptrace.Span, done *tally) {
	links := span.Links()
	if most := t.spanLimits.MaxLinks; most > 0 && links.Len() > most {
		span.SetDroppedLinksCount(span.DroppedLinksCount() + uint32(links.Len()-most))
		i := 0
		links.RemoveIf(func(ptrace.SpanLink) bool {
			i++
			if i > most {
				done.add(inLink, itemCount, 0)
			}
			return i > most
		})
	}
	for _, link := range links.All() {
		if n := t.link.limit(link.Attributes(), done, nil); n > 0 {
			link.SetDroppedAttributesCount(link.DroppedAttributesCount() + n)
		}
	}
}
