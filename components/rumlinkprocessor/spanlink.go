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

// spanBatch is the scratch space of one batch.
type spanBatch struct {
	tally
	logs     bool // logs are joined to these spans
	consumed []index.EntryKey
	infos    *index.Infos
	traces   [64]index.Ref // met lately, by the lowest bits
}

func newSpanBatch() *spanBatch { return &spanBatch{infos: index.NewInfos()} }

func (b *spanBatch) reset() {
	b.tally, b.traces, b.consumed = tally{}, [len(b.traces)]index.Ref{}, b.consumed[:0]
}

// firstOf reports whether no span of the trace of r was met lately.
func (b *spanBatch) firstOf(r index.Ref) bool {
	r.Span = 0
	at := &b.traces[r.Low%uint64(len(b.traces))]
	first := *at != r
	*at = r
	return first
}

// learn makes all spans known, as far as somebody reads it, and says so to the
// logs that wait for them.
func (l *spanLinker) learn(b *spanBatch, td ptrace.Traces) {
	if !b.logs && !l.rum && len(l.index.Keys()) == 0 {
		return
	}
	for _, rs := range td.ResourceSpans().All() {
		tenant := l.index.Tenant(rs.Resource())
		service := ""
		if v, ok := rs.Resource().Attributes().Get(enrich.AttrService); ok {
			service = index.Cut(v.Str(), l.maxRunes)
		}
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if !span.TraceID().IsEmpty() && !span.SpanID().IsEmpty() {
					l.learnSpan(b, index.RefOf(tenant, span.TraceID(), span.SpanID()), service, span)
				}
			}
		}
	}
}

// learnSpan makes one span known, and its trace where it brings something new.
func (l *spanLinker) learnSpan(b *spanBatch, ref index.Ref, service string, span ptrace.Span) {
	if b.logs && l.index.PutSpan(ref, b.infos.Of(service, index.Cut(span.Name(), l.maxRunes))) {
		b.conflicts[conflictHigh]++
	}
	if said, ok := index.ReadRUM(span.Attributes(), l.maxRunes); ok {
		b.conflicts[conflictRUM] += l.index.PutTrace(ref, &said, true)
	} else if b.logs && b.firstOf(ref) {
		l.index.PutTrace(ref, nil, true)
	}
	for i := range l.index.Keys() {
		k := &l.index.Keys()[i]
		if !b.logs && !k.Links {
			continue
		}
		if at, ok := l.index.KeyOf(ref.Tenant, k, k.Span, span.Attributes()); ok {
			l.index.PutKey(at, ref, uint64(span.StartTimestamp()))
			l.arrived(at)
		}
	}
	if b.logs {
		l.arrived(ref.SpanKey())
		l.arrived(ref.TraceKey())
	}
}

// enrich writes what is known on every span.
func (l *spanLinker) enrich(b *spanBatch, td ptrace.Traces) {
	var user index.Found // of the trace of the last span
	var last index.Ref
	for _, rs := range td.ResourceSpans().All() {
		tenant := l.index.Tenant(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					continue
				}
				ref := index.RefOf(tenant, span.TraceID(), span.SpanID())
				if b.logs {
					l.addLogs(b, ref, span)
				}
				if l.rum {
					if trace := (index.Ref{Tenant: tenant, High: ref.High, Low: ref.Low}); trace != last {
						user, last = l.index.Find(trace), trace
					}
					enrich.User(span.Attributes(), &user)
				}
				if len(l.index.Keys()) > 0 {
					l.useKeys(b, ref, span)
				}
			}
		}
	}
}

// addLogs writes what the span's logs came to. A span that was counted before
// keeps its events as they are.
func (l *spanLinker) addLogs(b *spanBatch, ref index.Ref, span ptrace.Span) {
	counts, events := l.index.LogsOf(ref)
	if counts == (index.Counts{}) {
		return
	}
	if len(events) > 0 && !enrich.Counted(span.Attributes()) {
		b.events[eventAdded] += enrich.Attach(span, events)
	}
	if l.counts {
		enrich.Counts(span.Attributes(), &counts)
	}
}

// useKeys gives keys one type, and links a root span by them.
func (l *spanLinker) useKeys(b *spanBatch, ref index.Ref, span ptrace.Span) {
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
		l.linkOrphan(b, ref, span)
	}
}

// linkOrphan links a root span to the trace that its key comes from.
func (l *spanLinker) linkOrphan(b *spanBatch, ref index.Ref, span ptrace.Span) {
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
		b.lookups[index.MethodKey][index.Hit]++
		if k.Consume {
			b.consumed = append(b.consumed, at)
		}
		return
	}
	if miss != index.NoID {
		b.lookups[index.MethodNone][miss]++
		enrich.MarkMissed(span.Attributes(), miss)
	}
}
