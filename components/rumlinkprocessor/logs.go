package rumlinkprocessor

import (
	"context"
	"sync"
	"unique"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
)

const (
	linkPrefix     = "trace_link"
	attrLinked     = "trace_linked"
	attrMethod     = "trace_link.method"
	attrMissReason = "trace_link.miss_reason"
	attrKey        = "trace_link.key"
)

// logLinker joins the logs of one pipeline.
type logLinker struct {
	cfg     *Config
	join    *join
	copies  copySet
	rule    eventRule
	counts  bool
	batches sync.Pool // of *logBatch
	telemetry
}

// logBatch is the scratch space of one batch.
type logBatch struct {
	tally
	prints fingerprints
}

func newLogLinker(set processor.Settings, cfg *Config, _ consumer.Logs) (*logLinker, error) {
	tel, err := newTelemetry(set, "logs")
	if err != nil {
		return nil, err
	}
	copies, err := newCopySet(cfg.Logs.Copy)
	if err != nil {
		return nil, err
	}
	p := &logLinker{
		cfg:       cfg,
		join:      cfg.shared.get(cfg),
		copies:    copies,
		rule:      newEventRule(cfg),
		counts:    cfg.Spans.Counts || cfg.Spans.Events.MaxPerSpan > 0,
		telemetry: tel,
	}
	p.batches.New = func() any { return &logBatch{prints: newFingerprints(p.join.seed)} }
	return p, nil
}

func (p *logLinker) start(context.Context, component.Host) error {
	p.cfg.shared.start(p.cfg.Store.TTL)
	return nil
}

func (p *logLinker) shutdown(context.Context) error {
	p.cfg.shared.shutdown()
	return nil
}

func (p *logLinker) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	b := p.batches.Get().(*logBatch)
	for _, rl := range ld.ResourceLogs().All() {
		src := p.source(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				p.link(b, src, lr)
			}
		}
	}
	p.add(ctx, &b.tally)
	b.tally = tally{}
	b.prints.reset()
	p.batches.Put(b)
	return ld, nil
}

// source is what all logs of a resource have in common.
type source struct {
	tenant     uint64
	hasService bool
}

func (p *logLinker) source(resource pcommon.Resource) source {
	_, hasService := resource.Attributes().Get(attrService)
	return source{tenant: p.join.tenantOf(resource), hasService: hasService}
}

// link joins one log.
func (p *logLinker) link(b *logBatch, src source, lr plog.LogRecord) {
	ref := refOf(src.tenant, lr.TraceID(), lr.SpanID())
	f := found{result: resultNoID}
	by := ""
	if !lr.TraceID().IsEmpty() {
		f = p.join.find(ref)
		p.checkKeys(b, ref, lr.Attributes())
	} else if len(p.join.keys) > 0 {
		ref, f, by = p.findByKey(src.tenant, lr.Attributes())
	}
	if f.conflict {
		b.conflictHi++
	}
	if f.method == methodKey || f.method == methodID64 && p.cfg.IDs.Canonicalize {
		ref.hi = f.hi
		lr.SetTraceID(ddcontext.JoinTraceID(ref.hi, ref.low))
		if f.method == methodKey && ref.span != 0 {
			lr.SetSpanID(ddcontext.SpanID(ref.span))
		}
		if f.method == methodID64 {
			b.canonicalized++
		}
	}
	if p.counts && ref.span != 0 {
		p.count(b, ref, lr)
	}
	p.feed(b, ref, lr)
	b.lookups[f.method][f.result]++
	if f.method == methodNone {
		p.markMissed(lr.Attributes(), f.result)
		return
	}
	p.markLinked(lr.Attributes(), f.method, by)
	p.copyContext(src, lr.Attributes(), &f)
}

// count adds the log to its span's counts and, if it is of that kind, to its
// events, unless the same log has been counted before.
func (p *logLinker) count(b *logBatch, ref spanRef, lr plog.LogRecord) {
	if !p.join.seen.First(b.prints.of(lr)) {
		b.duplicates++
		return
	}
	event := ""
	if p.rule.wants(lr) {
		event, _ = p.rule.encode(lr) // marshaling what pdata holds cannot fail
	}
	out := p.join.countLog(ref, severityIndex(lr.SeverityNumber()), event, p.rule.most)
	switch {
	case out.refused:
		b.uncounted++
	case out.conflict:
		b.conflictHi++
	case out.late:
		b.late++
	}
	if event == "" {
		return
	}
	if out.kept {
		b.eventsKept++
	} else {
		b.eventsDropped++
	}
}

// severityIndex is where a severity is counted: 0 for none or an unknown one.
func severityIndex(n plog.SeverityNumber) int {
	if n < plog.SeverityNumberTrace || n > plog.SeverityNumberFatal4 {
		return 0
	}
	return int(n-1)/4 + 1
}

// feed tells the trace what a RUM event knows about its user.
func (p *logLinker) feed(b *logBatch, ref spanRef, lr plog.LogRecord) {
	if lr.TraceID().IsEmpty() {
		return
	}
	if ctx, ok := readRUM(lr.Attributes(), p.join.maxLen); ok {
		b.conflictRUM += p.join.putTrace(ref, &ctx)
	}
}

// findByKey finds the span that one of the log's business keys leads to. The
// first key with an answer decides; several answers to one key are none.
func (p *logLinker) findByKey(tenant uint64, attrs pcommon.Map) (ref spanRef, f found, by string) {
	f.result = resultNoID
	for i := range p.join.keys {
		k := &p.join.keys[i]
		at, ok := p.join.keyOf(tenant, k, k.Log, attrs)
		if !ok {
			continue
		}
		o, several, res := p.join.ownerOf(at, k)
		// A key that links traces belongs to the first of them; any other key
		// that several traces carry leads nowhere.
		if res == resultHit && several&severalKeys != 0 && !k.links {
			res = resultAmbiguous
		}
		f.result = max(f.result, res)
		if res != resultHit {
			continue
		}
		ref = spanRef{tenant: tenant, hi: o.hi, low: o.low, span: o.span}
		if several&severalSpan != 0 {
			ref.span = 0 // the trace is certain, the span is not
		}
		f = p.join.find(ref)
		f.method, f.result, f.hi = methodKey, resultHit, o.hi
		if k.Consume {
			p.join.store.Remove(at)
		}
		return ref, f, k.Name
	}
	return ref, f, ""
}

// checkKeys counts a log whose ids and whose key name two different traces.
// The ids stand.
func (p *logLinker) checkKeys(b *logBatch, ref spanRef, attrs pcommon.Map) {
	for i := range p.join.keys {
		k := &p.join.keys[i]
		at, ok := p.join.keyOf(ref.tenant, k, k.Log, attrs)
		if !ok {
			continue
		}
		o, several, res := p.join.ownerOf(at, k)
		if res == resultHit && several&severalKeys == 0 && o.low != ref.low {
			b.conflictKey++
		}
	}
}

// markLinked says that the log is linked and how. What an earlier hop said
// about how it did it stands.
func (p *logLinker) markLinked(attrs pcommon.Map, m method, by string) {
	if v, ok := attrs.Get(attrLinked); ok && v.Type() == pcommon.ValueTypeBool && v.Bool() {
		return
	}
	attrs.PutBool(attrLinked, true)
	attrs.PutStr(attrMethod, methodNames[m])
	if by != "" {
		attrs.PutStr(attrKey, by)
	}
	attrs.Remove(attrMissReason)
}

// markMissed says that the log is not linked and why, unless that was said.
func (p *logLinker) markMissed(attrs pcommon.Map, r result) {
	if r == resultNoID && !p.cfg.Logs.MarkNoID {
		return
	}
	if _, ok := attrs.Get(attrLinked); ok {
		return
	}
	attrs.PutBool(attrLinked, false)
	attrs.PutStr(attrMissReason, resultNames[r])
}

// copyContext gives the log what its span and trace know and it does not.
func (p *logLinker) copyContext(src source, attrs pcommon.Map, f *found) {
	if f.info != (unique.Handle[spanInfo]{}) {
		info := f.info.Value()
		if p.copies.service && !src.hasService && info.service != "" {
			putAbsent(attrs, attrService, info.service)
		}
		if p.copies.span && info.name != "" {
			putAbsent(attrs, attrSpan, info.name)
		}
	}
	if f.rum != (unique.Handle[rumContext]{}) {
		ctx := f.rum.Value()
		putRUM(attrs, &ctx, &p.copies.rum)
	}
}
