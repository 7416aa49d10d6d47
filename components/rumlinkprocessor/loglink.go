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
	canonicalize bool
	markNoID     bool
	waitForSpan  bool // for every span that is not known, not only where it completes the log
	maxRunes     int
}

// logBatch is the scratch space of one batch.
type logBatch struct {
	tally
	counts     bool // a span may read what is counted
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
	isRUM      bool // made of the events of a browser or an app by datadog_rum
}

func (l *logLinker) source(resource pcommon.Resource) source {
	_, hasService := resource.Attributes().Get(enrich.AttrService)
	sdk, ok := resource.Attributes().Get("telemetry.sdk.name")
	return source{tenant: l.index.Tenant(resource), hasService: hasService, isRUM: ok && sdk.Str() == "datadog-rum"}
}

// link joins one log, or, at the stage of arriving, returns what it should wait
// for. A log is counted on its span once, when it is here for the first time or
// when its key has led to the span.
func (l *logLinker) link(b *logBatch, src source, lr plog.LogRecord, at stage) (wants []index.EntryKey) {
	ref, f, used := l.find(src, lr)
	hasID := !lr.TraceID().IsEmpty()
	if at == arriving {
		wants = l.wantsOf(src, ref, lr, &f)
	}
	if wants == nil {
		l.setIDs(b, &ref, &f, lr)
	}
	if hasID && at != waited || wants == nil && f.Method == index.MethodKey {
		if b.counts && ref.Span != 0 {
			f.Conflict = l.count(b, ref, lr) || f.Conflict
		}
		if said, ok := index.ReadRUM(lr.Attributes(), l.maxRunes); ok {
			b.conflicts[conflictRUM] += l.index.PutTrace(ref, &said, false)
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
	l.write(src, lr, &f)
	b.lookups[f.Method][f.Result]++
	return nil
}

// find looks for the span of a log by its ids, and where they name no span, by
// a business key of the same trace.
func (l *logLinker) find(src source, lr plog.LogRecord) (index.Ref, index.Found, index.EntryKey) {
	if lr.TraceID().IsEmpty() {
		return l.index.FindByKey(src.tenant, lr.Attributes())
	}
	ref := index.RefOf(src.tenant, lr.TraceID(), lr.SpanID())
	if ref.Span == 0 && len(l.index.Keys()) > 0 {
		at, f, used := l.index.FindByKey(src.tenant, lr.Attributes())
		if f.Method == index.MethodKey && at.Span != 0 && at.Low == ref.Low && (ref.High == 0 || ref.High == at.High) {
			return at, f, used
		}
	}
	return ref, l.index.Find(ref), index.EntryKey{}
}

// setIDs writes the ids that the log lacks.
func (l *logLinker) setIDs(b *logBatch, ref *index.Ref, f *index.Found, lr plog.LogRecord) {
	if f.Method != index.MethodID64 && f.Method != index.MethodKey {
		return
	}
	own, _ := ddcontext.SplitTraceID(lr.TraceID())
	switch half := own == 0 && f.High != 0; {
	case lr.TraceID().IsEmpty():
		lr.SetTraceID(ddcontext.JoinTraceID(f.High, ref.Low))
	case half && l.canonicalize:
		ref.High = f.High
		lr.SetTraceID(ddcontext.JoinTraceID(f.High, ref.Low))
		b.canonicalized++
	}
	if lr.SpanID().IsEmpty() && ref.Span != 0 {
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
	if !out.Late && l.rule.Wants(lr) {
		outcome := eventDropped
		if out.Event && l.index.KeepEvent(ref, l.rule.Encode(lr), l.rule.Most) {
			outcome = eventPending
		}
		b.events[outcome]++
	}
	return out.Conflict
}

// write says on the log how it was linked, and what its span and trace know. A
// log with a full id of its own is linked whether or not its span was seen here:
// every backend joins it. What a RUM client tells beyond its requests belongs to
// no trace by nature, and gets no mark.
func (l *logLinker) write(src source, lr plog.LogRecord, f *index.Found) {
	attrs := lr.Attributes()
	switch high, _ := ddcontext.SplitTraceID(lr.TraceID()); {
	case enrich.SampledOut(attrs):
		f.Method, f.Result = index.MethodNone, index.NotSampled
	case f.Method == index.MethodNone && high != 0 && f.Result != index.Ambiguous:
		f.Method = index.MethodID
	}
	for i := range l.index.Keys() {
		if k := &l.index.Keys()[i]; !k.Text {
			enrich.Integer(attrs, k.Log)
		}
	}
	switch {
	case f.Method != index.MethodNone:
		enrich.MarkLinked(attrs, f)
	case f.Result != index.NoID || l.markNoID && !src.isRUM:
		enrich.MarkMissed(attrs, f.Result)
	}
	l.copies.Log(attrs, f, src.hasService)
}
