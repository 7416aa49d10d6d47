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
	if c := callOf(ctx, p); c != nil {
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
					n.conflictRUM += p.join.putTrace(ref, &ctx, true)
				} else if last.low != ref.low || last.hi != ref.hi {
					p.join.putTrace(ref, nil, true)
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
