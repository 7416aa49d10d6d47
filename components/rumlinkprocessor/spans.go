package rumlinkprocessor

import (
	"context"
	"errors"
	"unique"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

const (
	attrCount     = "log.count"
	attrHasErrors = "log.has_errors"
)

// countNames are the attributes of entry.counts, in its order.
var countNames = [len(severities) + 1]string{
	"log.count.unspecified",
	"log.count.trace",
	"log.count.debug",
	"log.count.info",
	"log.count.warn",
	"log.count.error",
	"log.count.fatal",
}

const (
	errorIndex = 5
	fatalIndex = 6
)

// everyRUM wants all fields.
var everyRUM = func() (want [rumFields]bool) {
	for i := range want {
		want[i] = true
	}
	return want
}()

// spanLinker joins the spans of one pipeline.
type spanLinker struct {
	cfg  *Config
	join *join
	next consumer.Traces
	telemetry
	*waiting
	set     processor.Settings
	started bool
}

// spanBatch is what one batch counts and uses up.
type spanBatch struct {
	tally
	consumed []store.Key
}

func newSpanLinker(set processor.Settings, cfg *Config, next consumer.Traces) (*spanLinker, error) {
	tel, err := newTelemetry(set, "traces")
	if err != nil {
		return nil, err
	}
	p := &spanLinker{cfg: cfg, join: cfg.shared.get(cfg), next: next, set: set, telemetry: tel}
	if cfg.Spans.Wait > 0 {
		tel, err := newWaitTelemetry(set, "traces")
		if err != nil {
			return nil, err
		}
		room := newRoom(cfg.Spans.Wait, cfg.Spans.MaxWaitBytes, p.join.now, p.release, tel, set.Logger)
		p.waiting = &waiting{room: room, signal: "traces", cfg: cfg, set: set}
	}
	return p, nil
}

func (p *spanLinker) start(ctx context.Context, host component.Host) error {
	if err := p.cfg.shared.start(p.set, p.cfg.Store.TTL); err != nil {
		return err
	}
	p.started = true
	if p.waiting == nil {
		return nil
	}
	return p.waiting.start(ctx, host, p.adopt)
}

func (p *spanLinker) shutdown(ctx context.Context) (err error) {
	if p.waiting != nil {
		err = p.waiting.shutdown(ctx)
	}
	if p.started {
		err = errors.Join(err, p.cfg.shared.shutdown())
		p.started = false
	}
	return err
}

// processTraces first makes the whole batch known, then enriches it, so that
// the order of spans within a batch decides nothing.
func (p *spanLinker) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	var n spanBatch
	p.learn(&n, td)
	if p.waiting != nil && td.SpanCount() > 0 && p.park(ctx, td) {
		p.add(ctx, &n.tally)
		return td, processorhelper.ErrSkipProcessingData
	}
	p.enrich(&n, td)
	p.add(ctx, &n.tally)
	if c := callOf(ctx); c != nil {
		c.consumed = n.consumed
	}
	return td, nil
}

func (p *spanLinker) learn(n *spanBatch, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		tenant := p.join.tenantOf(rs.Resource())
		service := ""
		if v, ok := rs.Resource().Attributes().Get(attrService); ok {
			service = cut(v.Str(), p.join.maxLen)
		}
		var last spanRef
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					continue
				}
				ref := refOf(tenant, span.TraceID(), span.SpanID())
				info := unique.Make(spanInfo{service: service, name: cut(span.Name(), p.join.maxLen)})
				if p.join.putSpan(ref, info) {
					n.conflictHi++
				}
				if ctx, ok := readRUM(span.Attributes(), p.join.maxLen); ok {
					n.conflictRUM += p.join.putTrace(ref, &ctx)
				} else if last.low != ref.low || last.hi != ref.hi {
					p.join.putTrace(ref, nil)
				}
				last = ref
				for i := range p.join.keys {
					k := &p.join.keys[i]
					if at, ok := p.join.keyOf(tenant, k, k.Span, span.Attributes()); ok {
						p.join.putKey(at, ref, uint64(span.StartTimestamp()))
						p.join.arrived(at)
					}
				}
				p.join.arrived(ref.spanKey())
				p.join.arrived(ref.traceKey())
			}
		}
	}
}

func (p *spanLinker) enrich(n *spanBatch, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		tenant := p.join.tenantOf(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					continue
				}
				ref := refOf(tenant, span.TraceID(), span.SpanID())
				p.addLogs(n, ref, span)
				if p.cfg.Spans.RUM {
					p.addUser(ref, span.Attributes())
				}
				if span.ParentSpanID().IsEmpty() {
					p.linkOrphan(n, ref, span)
				}
			}
		}
	}
}

// addLogs writes what the span's logs came to. Counts of an earlier hop are
// raised where more is known here, never added to; and a span that was counted
// before keeps its events as they are.
func (p *spanLinker) addLogs(n *spanBatch, ref spanRef, span ptrace.Span) {
	var counts [len(countNames)]uint16
	var events []string
	p.join.store.View(ref.spanKey(), func(e *entry) {
		e.flags |= left
		if e.flags&(twoHi|manyHi) != 0 {
			return // whose logs they are is not certain
		}
		counts = e.counts
		if e.events != nil {
			events = e.events.encoded
		}
	})
	if counts == ([len(countNames)]uint16{}) {
		return
	}
	_, counted := span.Attributes().Get(attrCount)
	if len(events) > 0 && !counted {
		n.eventsAdded += attach(span, events)
	}
	if p.cfg.Spans.Counts {
		putCounts(span.Attributes(), &counts)
	}
}

func putCounts(attrs pcommon.Map, counts *[len(countNames)]uint16) {
	var total, bad int64
	for i, c := range counts {
		count := int64(c)
		had, ok := attrs.Get(countNames[i])
		if ok && had.Type() == pcommon.ValueTypeInt && had.Int() >= count {
			count = had.Int()
		} else if count > 0 {
			attrs.PutInt(countNames[i], count)
		}
		total += count
		if i == errorIndex || i == fatalIndex {
			bad += count
		}
	}
	attrs.PutInt(attrCount, total)
	attrs.PutBool(attrHasErrors, bad > 0)
}

// addUser writes the session and user from the span's own baggage, then what
// the trace knows.
func (p *spanLinker) addUser(ref spanRef, attrs pcommon.Map) {
	copyAbsent(attrs, attrBaggageSession, rumNames[sessionID])
	copyAbsent(attrs, attrBaggageUser, rumNames[userID])
	f := p.join.find(spanRef{tenant: ref.tenant, hi: ref.hi, low: ref.low})
	if f.rum != (unique.Handle[rumContext]{}) {
		ctx := f.rum.Value()
		putRUM(attrs, &ctx, &everyRUM)
	}
}

func copyAbsent(attrs pcommon.Map, from, to string) {
	if v, ok := attrs.Get(from); ok && v.Type() == pcommon.ValueTypeStr && v.Str() != "" {
		putAbsent(attrs, to, v.Str())
	}
}

// linkOrphan links a root span to the trace that its key comes from. The parent
// is never touched: the span's children already carry its own trace id.
func (p *spanLinker) linkOrphan(n *spanBatch, ref spanRef, span ptrace.Span) {
	miss := resultNoID
	for i := range p.join.keys {
		k := &p.join.keys[i]
		if !k.links {
			continue
		}
		at, ok := p.join.keyOf(ref.tenant, k, k.Span, span.Attributes())
		if !ok {
			continue
		}
		o, _, res := p.join.ownerOf(at, k)
		if res == resultHit && (o.low == ref.low || o.start > uint64(span.StartTimestamp())) {
			res = resultNotFound // its own key: it is the cause and not the effect
		}
		miss = max(miss, res)
		if res != resultHit {
			continue
		}
		addLink(span, &o, k.Name)
		span.Attributes().PutBool(attrLinked, true)
		span.Attributes().Remove(attrMissReason)
		n.lookups[methodKey][resultHit]++
		if k.Consume {
			n.consumed = append(n.consumed, at)
		}
		return
	}
	if miss == resultNoID {
		return
	}
	n.lookups[methodNone][miss]++
	if _, said := span.Attributes().Get(attrLinked); !said {
		span.Attributes().PutBool(attrLinked, false)
		span.Attributes().PutStr(attrMissReason, resultNames[miss])
	}
}

func addLink(span ptrace.Span, o *owner, name string) {
	trace := pcommon.TraceID(ddcontext.JoinTraceID(o.hi, o.low))
	id := pcommon.SpanID(ddcontext.SpanID(o.span))
	for _, l := range span.Links().All() {
		if l.TraceID() == trace && l.SpanID() == id {
			return
		}
	}
	l := span.Links().AppendEmpty()
	l.SetTraceID(trace)
	l.SetSpanID(id)
	l.Attributes().PutStr(attrKey, name)
}
