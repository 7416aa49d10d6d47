package enrich

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// LinkCause links a root span to the span that had its key first. The parent is
// never touched: the span's children already carry its own trace id.
func LinkCause(span ptrace.Span, cause index.Ref, key string) {
	MarkCaused(span.Attributes())
	trace := pcommon.TraceID(ddcontext.JoinTraceID(cause.High, cause.Low))
	id := pcommon.SpanID(ddcontext.SpanID(cause.Span))
	for _, l := range span.Links().All() {
		if l.TraceID() == trace && l.SpanID() == id {
			return
		}
	}
	l := span.Links().AppendEmpty()
	l.SetTraceID(trace)
	l.SetSpanID(id)
	l.Attributes().PutStr(AttrKey, key)
}
