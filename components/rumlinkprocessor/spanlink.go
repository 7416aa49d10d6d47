package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// spanLinker makes spans known and enriches them.
type spanLinker struct {
	index    *index.Index
	arrived  func(index.EntryKey)
	counts   bool
	rum      bool
	maxRunes int
}

// learn makes all spans known and says so to the logs that wait for them.
func (l *spanLinker) learn(n *spanBatch, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		tenant := l.index.Tenant(rs.Resource())
		service := ""
		if v, ok := rs.Resource().Attributes().Get(enrich.AttrService); ok {
			service = index.Cut(v.Str(), l.maxRunes)
		}
		var last index.Ref
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					continue
				}
				ref := index.RefOf(tenant, span.TraceID(), span.SpanID())
				l.learnSpan(n, ref, last, service, span)
				last = ref
			}
		}
	}
}

// learnSpan makes one span known; last is the span before it.
func (l *spanLinker) learnSpan(n *spanBatch, ref, last index.Ref, service string, span ptrace.Span) {
	if l.index.PutSpan(ref, service, index.Cut(span.Name(), l.maxRunes)) {
		n.conflicts[conflictHigh]++
	}
	if said, ok := index.ReadRUM(span.Attributes(), l.maxRunes); ok {
		n.conflicts[conflictRUM] += l.index.PutTrace(ref, &said, true)
	} else if last.Low != ref.Low || last.High != ref.High {
		l.index.PutTrace(ref, nil, true)
	}
	for i := range l.index.Keys() {
		k := &l.index.Keys()[i]
		if at, ok := l.index.KeyOf(ref.Tenant, k, k.Span, span.Attributes()); ok {
			l.index.PutKey(at, ref, uint64(span.StartTimestamp()))
			l.arrived(at)
		}
	}
	l.arrived(ref.SpanKey())
	l.arrived(ref.TraceKey())
}

func (l *spanLinker) enrich(n *spanBatch, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		tenant := l.index.Tenant(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					continue
				}
				ref := index.RefOf(tenant, span.TraceID(), span.SpanID())
				l.addLogs(n, ref, span)
				if l.rum {
					f := l.index.Find(index.Ref{Tenant: tenant, High: ref.High, Low: ref.Low})
					enrich.User(span.Attributes(), &f)
				}
				if len(l.index.Keys()) > 0 {
					l.useKeys(n, ref, span)
				}
			}
		}
	}
}

// addLogs writes what the span's logs came to. A span that was counted before
// keeps its events as they are.
func (l *spanLinker) addLogs(n *spanBatch, ref index.Ref, span ptrace.Span) {
	counts, events := l.index.LogsOf(ref)
	if counts == (index.Counts{}) {
		return
	}
	if len(events) > 0 && !enrich.Counted(span.Attributes()) {
		n.events[eventAdded] += enrich.Attach(span, events)
	}
	if l.counts {
		enrich.Counts(span.Attributes(), &counts)
	}
}

// useKeys gives keys one type, and links a root span by them.
func (l *spanLinker) useKeys(n *spanBatch, ref index.Ref, span ptrace.Span) {
	for i := range l.index.Keys() {
		k := &l.index.Keys()[i]
		if !k.Text {
			enrich.Integer(span.Attributes(), k.Span)
		}
		if k.Links {
			enrich.Linked(span.Attributes()) // text becomes a boolean, also where it is not written
		}
	}
	if span.ParentSpanID().IsEmpty() {
		l.linkOrphan(n, ref, span)
	}
}

// linkOrphan links a root span to the trace that its key comes from.
func (l *spanLinker) linkOrphan(n *spanBatch, ref index.Ref, span ptrace.Span) {
	miss := index.NoID
	for i := range l.index.Keys() {
		k := &l.index.Keys()[i]
		if !k.Links {
			continue
		}
		at, ok := l.index.KeyOf(ref.Tenant, k, k.Span, span.Attributes())
		if !ok {
			continue
		}
		o := l.index.OwnerOf(at, k)
		if o.Result == index.Hit && (o.Low == ref.Low || o.Start > uint64(span.StartTimestamp())) {
			o.Result = index.NotFound // its own key: it is the cause and not the effect
		}
		miss = max(miss, o.Result)
		if o.Result != index.Hit {
			continue
		}
		enrich.LinkCause(span, o.Ref, k.Name)
		n.lookups[index.MethodKey][index.Hit]++
		if k.Consume {
			n.consumed = append(n.consumed, at)
		}
		return
	}
	if miss != index.NoID {
		n.lookups[index.MethodNone][miss]++
		enrich.MarkMissed(span.Attributes(), miss)
	}
}
