package rumlinkprocessor

import (
	"context"
	"errors"
	"sync"
	"unique"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
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
	next    consumer.Logs
	copies  copySet
	rule    eventRule
	counts  bool
	parses  bool
	batches sync.Pool // of *logBatch
	telemetry
	*waiting
	set     processor.Settings
	started bool
}

// logBatch is the scratch space of one batch.
type logBatch struct {
	tally
	prints   fingerprints
	strays   []stray
	consumed []store.Key
}

// stage is where a log is on its way.
type stage uint8

const (
	passing  stage = iota // it is here for the first time and goes on at once
	arriving              // it is here for the first time and may have to wait
	waited                // it has waited, or has been found no room to wait in
)

func newLogLinker(set processor.Settings, cfg *Config, next consumer.Logs) (*logLinker, error) {
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
		next:      next,
		set:       set,
		copies:    copies,
		rule:      newEventRule(cfg),
		counts:    cfg.Spans.Counts || cfg.Spans.Events.MaxPerSpan > 0,
		parses:    cfg.IDs.ParseAttributes || cfg.IDs.ParseBody,
		telemetry: tel,
	}
	if cfg.Logs.Wait > 0 {
		tel, err := newWaitTelemetry(set, "logs")
		if err != nil {
			return nil, err
		}
		room := newRoom(cfg.Logs.Wait, cfg.Logs.MaxWaitBytes, p.join.now, p.release, tel, set.Logger)
		p.waiting = &waiting{room: room, signal: "logs", cfg: cfg, set: set}
	}
	p.batches.New = func() any { return &logBatch{prints: newFingerprints(p.join.seed)} }
	return p, nil
}

func (p *logLinker) start(ctx context.Context, host component.Host) error {
	if err := p.cfg.shared.start(p.set, p.cfg.Store.TTL); err != nil {
		return err
	}
	p.started = true
	if p.waiting == nil {
		return nil
	}
	p.join.addRoom(p.room)
	return p.waiting.start(ctx, host, p.adopt)
}

func (p *logLinker) shutdown(ctx context.Context) (err error) {
	if p.waiting != nil {
		err = p.waiting.shutdown(ctx)
	}
	if p.started {
		err = errors.Join(err, p.cfg.shared.shutdown())
		p.started = false
	}
	return err
}

func (p *logLinker) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	c := callOf(ctx)
	at := passing
	if p.waiting != nil && c != nil {
		at = arriving
	}
	for r, rl := range ld.ResourceLogs().All() {
		b.prints.reset()
		src := p.source(rl.Resource())
		for s, sl := range rl.ScopeLogs().All() {
			for i, lr := range sl.LogRecords().All() {
				if wants := p.link(b, src, lr, at); wants != nil {
					b.strays = append(b.strays, stray{resource: r, scope: s, record: i, src: src, wants: wants})
				}
			}
		}
	}
	if len(b.strays) > 0 {
		p.setAside(ctx, b, ld, b.strays, c)
	}
	if c != nil {
		c.consumed = append(c.consumed, b.consumed...)
	}
	p.add(ctx, &b.tally)
	if len(b.strays) > 0 && ld.ResourceLogs().Len() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

func (p *logLinker) recycle(b *logBatch) {
	b.tally = tally{}
	b.prints.reset()
	clear(b.strays)
	b.strays, b.consumed = b.strays[:0], b.consumed[:0]
	p.batches.Put(b)
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

// link joins one log, or, at the stage of arriving, says what it should wait
// for. A log is counted on its span once, when it is here for the first time or
// when its key has led to the span.
func (p *logLinker) link(b *logBatch, src source, lr plog.LogRecord, at stage) (wants []store.Key) {
	if p.parses && at != waited {
		p.cfg.IDs.parseIDs(lr)
	}
	ref := refOf(src.tenant, lr.TraceID(), lr.SpanID())
	f := found{result: resultNoID}
	by := ""
	var used store.Key
	hasID := !lr.TraceID().IsEmpty()
	if hasID {
		f = p.join.find(ref)
	} else if len(p.join.keys) > 0 {
		ref, f, by, used = p.findByKey(src.tenant, lr.Attributes())
	}
	if at == arriving {
		wants = p.wantsOf(ref, lr, &f)
	}
	if wants == nil && (f.method == methodKey || f.method == methodID64 && p.cfg.IDs.Canonicalize) {
		p.setIDs(b, &ref, &f, lr)
	}
	if hasID && at != waited || wants == nil && f.method == methodKey {
		if p.counts && ref.span != 0 {
			p.count(b, ref, lr)
		}
		p.feed(b, ref, lr)
	}
	if wants != nil {
		return wants
	}
	if f.conflict {
		b.conflictHi++
	}
	if hasID {
		p.checkKeys(b, ref, lr.Attributes())
	}
	if used != (store.Key{}) {
		b.consumed = append(b.consumed, used)
	}
	b.lookups[f.method][f.result]++
	if f.method == methodNone {
		p.markMissed(lr.Attributes(), f.result)
		return nil
	}
	p.markLinked(lr.Attributes(), f.method, by)
	p.copyContext(src, lr.Attributes(), &f)
	return nil
}

// setIDs writes the ids that the log lacks.
func (p *logLinker) setIDs(b *logBatch, ref *spanRef, f *found, lr plog.LogRecord) {
	ref.hi = f.hi
	lr.SetTraceID(ddcontext.JoinTraceID(ref.hi, ref.low))
	switch {
	case f.method == methodID64:
		b.canonicalized++
	case ref.span != 0:
		lr.SetSpanID(ddcontext.SpanID(ref.span))
	}
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
func (p *logLinker) findByKey(tenant uint64, attrs pcommon.Map) (ref spanRef, f found, by string, used store.Key) {
	ref.tenant, f.result = tenant, resultNoID
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
			used = at
		}
		return ref, f, k.Name, used
	}
	return ref, f, "", used
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
