package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// wantsOf returns what a log should wait for, given what was found for it; any
// will do.
func (l *logLinker) wantsOf(src source, ref index.Ref, lr plog.LogRecord, f *index.Found) []index.EntryKey {
	switch {
	case f.Result == index.Ambiguous, enrich.SampledOut(lr.Attributes()):
		return nil // what comes can't change it
	case lr.TraceID().IsEmpty():
		if f.Method == index.MethodNone && f.Result != index.NoID {
			return l.index.LogKeys(ref.Tenant, lr.Attributes())
		}
		return nil
	case l.waitForSpan:
		return wantsSpan(ref, lr, f)
	}
	return l.wantsMissing(src, ref, lr, f)
}

// wantsSpan returns a log's own span if it names one, else its trace, unless it
// is known or an earlier hop knew it.
func wantsSpan(ref index.Ref, lr plog.LogRecord, f *index.Found) []index.EntryKey {
	_, seen := f.Span()
	switch {
	case enrich.Confirmed(lr.Attributes()):
	case ref.Span != 0 && !seen:
		return []index.EntryKey{ref.SpanKey()}
	case ref.Span == 0 && f.Method == index.MethodNone:
		return []index.EntryKey{ref.TraceKey()}
	}
	return nil
}

// wantsMissing returns what completes a log: its own span for the name of its
// service, any span of its trace for the other half of its id, a span with its
// key for the span that its ids do not name.
func (l *logLinker) wantsMissing(src source, ref index.Ref, lr plog.LogRecord, f *index.Found) []index.EntryKey {
	_, seen := f.Span()
	if ref.Span != 0 && !seen && !src.hasService && l.copies.Service() && !has(lr, enrich.AttrService) {
		return []index.EntryKey{ref.SpanKey()}
	}
	var wants []index.EntryKey
	if ref.High == 0 && f.Method == index.MethodNone {
		wants = append(wants, ref.TraceKey())
	}
	if ref.Span == 0 {
		wants = append(wants, l.index.LogKeys(ref.Tenant, lr.Attributes())...)
	}
	return wants
}

func has(lr plog.LogRecord, name string) bool {
	_, ok := lr.Attributes().Get(name)
	return ok
}
