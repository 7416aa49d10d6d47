package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// stage is where a log is on its way.
type stage uint8

const (
	passing  stage = iota // it is here for the first time and goes on at once
	arriving              // it is here for the first time and may have to wait
	waited                // it has waited, or there was no space for it to wait
)

// logLinker joins one log at a time.
type logLinker struct {
	index        *index.Index
	copies       enrich.Copies
	rule         enrich.EventRule
	counts       bool
	canonicalize bool
	markNoID     bool
	maxRunes     int
}

// logBatch is the scratch space of one batch.
type logBatch struct {
	tally
	prints     index.Fingerprints
	incomplete []parking.Incomplete
	consumed   []index.EntryKey
}

func (b *logBatch) reset() {
	b.tally = tally{}
	b.prints.Reset()
	clear(b.incomplete)
	b.incomplete, b.consumed = b.incomplete[:0], b.consumed[:0]
}

// source is what all logs of a resource have in common.
type source struct {
	tenant     uint64
	hasService bool
}

func (l *logLinker) source(resource pcommon.Resource) source {
	_, hasService := resource.Attributes().Get(enrich.AttrService)
	return source{tenant: l.index.Tenant(resource), hasService: hasService}
}

// link joins one log, or, at the stage of arriving, returns what it should wait
// for. A log is counted on its span once, when it is here for the first time or
// when its key has led to the span.
func (l *logLinker) link(b *logBatch, src source, lr plog.LogRecord, at stage) (wants []index.EntryKey) {
	ref, f, used := l.find(src, lr)
	hasID := !lr.TraceID().IsEmpty()
	if at == arriving {
		wants = l.wantsOf(ref, lr, &f)
	}
	if wants == nil && (f.Method == index.MethodKey || f.Method == index.MethodID64 && l.canonicalize) {
		setIDs(b, &ref, &f, lr)
	}
	if hasID && at != waited || wants == nil && f.Method == index.MethodKey {
		if l.counts && ref.Span != 0 {
			f.Conflict = l.count(b, ref, lr) || f.Conflict
		}
		if ctx, ok := index.ReadRUM(lr.Attributes(), l.maxRunes); ok {
			b.conflicts[conflictRUM] += l.index.PutTrace(ref, &ctx, false)
		}
	}
	if wants != nil {
		return wants
	}
	if f.Conflict {
		b.conflicts[conflictHigh]++
	}
	if hasID {
		b.conflicts[conflictKey] += l.index.KeyConflicts(ref, lr.Attributes())
	}
	if used != (index.EntryKey{}) {
		b.consumed = append(b.consumed, used)
	}
	b.lookups[f.Method][f.Result]++
	l.write(src, lr, &f)
	return nil
}

func (l *logLinker) find(src source, lr plog.LogRecord) (index.Ref, index.Found, index.EntryKey) {
	if lr.TraceID().IsEmpty() {
		return l.index.FindByKey(src.tenant, lr.Attributes())
	}
	ref := index.RefOf(src.tenant, lr.TraceID(), lr.SpanID())
	return ref, l.index.Find(ref), index.EntryKey{}
}

// wantsOf returns what a log should wait for, given what was found for it: its
// own span if it names one, else its trace, else the spans its keys may lead to.
func (l *logLinker) wantsOf(ref index.Ref, lr plog.LogRecord, f *index.Found) []index.EntryKey {
	if enrich.IsLinked(lr.Attributes()) {
		return nil // by an earlier hop
	}
	switch {
	case !lr.TraceID().IsEmpty() && ref.Span != 0:
		if _, seen := f.Span(); !seen {
			return []index.EntryKey{ref.SpanKey()}
		}
	case f.Method != index.MethodNone:
	case !lr.TraceID().IsEmpty():
		if f.Result != index.Ambiguous {
			return []index.EntryKey{ref.TraceKey()}
		}
	case f.Result == index.NotFound || f.Result == index.StoreFull:
		return l.index.LogKeys(ref.Tenant, lr.Attributes())
	}
	return nil
}

// setIDs writes the ids that the log lacks.
func setIDs(b *logBatch, ref *index.Ref, f *index.Found, lr plog.LogRecord) {
	ref.High = f.High
	lr.SetTraceID(ddcontext.JoinTraceID(ref.High, ref.Low))
	switch {
	case f.Method == index.MethodID64:
		b.canonicalized++
	case ref.Span != 0:
		lr.SetSpanID(ddcontext.SpanID(ref.Span))
	}
}

// count adds the log to its span's counts and, if it is of that kind, to its
// events. It reports whether another trace is known to own the span.
func (l *logLinker) count(b *logBatch, ref index.Ref, lr plog.LogRecord) (conflict bool) {
	out := l.index.CountLog(ref, b.prints.Of(lr), enrich.Severity(lr.SeverityNumber()), l.rule.Most)
	switch {
	case out.Duplicate:
		b.duplicates++
		return false
	case out.Refused:
		b.uncounted++
	case out.Late:
		b.late++
	}
	if l.rule.Wants(lr) {
		outcome := eventDropped
		if out.Event && l.index.KeepEvent(ref, l.rule.Encode(lr), l.rule.Most) {
			outcome = eventPending
		}
		b.events[outcome]++
	}
	return out.Conflict
}

// write says on the log how it was linked, and what its span and trace know.
func (l *logLinker) write(src source, lr plog.LogRecord, f *index.Found) {
	switch {
	case f.Method != index.MethodNone:
		enrich.MarkLinked(lr.Attributes(), f)
		l.copies.Log(lr.Attributes(), f, src.hasService)
	case f.Result != index.NoID || l.markNoID:
		enrich.MarkMissed(lr.Attributes(), f.Result)
	}
}
