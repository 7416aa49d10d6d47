package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// stage is where a log is on its way.
type stage uint8

const (
	passing  stage = iota // it is here for the first time and goes on at once
	arriving              // it is here for the first time and may have to wait
	waited                // it has waited, or has been found no room to wait in
)

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
			f.conflict = p.count(b, ref, lr) || f.conflict
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
// events, unless the same log has been counted before. It says whether another
// trace is known to own the span.
func (p *logLinker) count(b *logBatch, ref spanRef, lr plog.LogRecord) (conflict bool) {
	if !p.join.seen.First(b.prints.of(lr)) {
		b.duplicates++
		return false
	}
	event := ""
	if p.rule.wants(lr) {
		event, _ = p.rule.encode(lr) // marshaling what pdata holds cannot fail
	}
	out := p.join.countLog(ref, severityIndex(lr.SeverityNumber()), event, p.rule.most)
	switch {
	case out.refused:
		b.uncounted++
	case out.late:
		b.late++
	}
	switch {
	case event == "":
	case out.kept:
		b.eventsKept++
	default:
		b.eventsDropped++
	}
	return out.conflict
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
	if ctx, ok := readRUM(lr.Attributes(), p.join.maxLen); ok {
		b.conflictRUM += p.join.putTrace(ref, &ctx, false)
	}
}
