package ddpropagation

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// identity is the trace and span id of one record while its sources are heard, the most trusted first.
type identity struct {
	upper, lower, span uint64
}

func identityOf(record plog.LogRecord) identity {
	upper, lower := ddcontext.SplitTraceID(record.TraceID())
	return identity{upper: upper, lower: lower, span: ddcontext.SpanIDUint64(record.SpanID())}
}

func (id identity) hasTrace() bool { return id.upper|id.lower != 0 }

// is reports whether trace is the same trace as id's. A 64-bit id is the same as every id it is the lower half of.
func (id identity) is(trace ddid.LogTraceID) bool {
	return id.lower == trace.Low && (id.upper == trace.High || id.upper == 0 || trace.High == 0)
}

// verdict is what became of the two ids of a source.
type verdict struct {
	trace, span outcome
	hasSpan     bool // the source has a span id and it was heard
}

// hear takes what a pair of fields adds to id. The span id counts only with the trace id beside it: one from elsewhere could be another trace's.
func (id *identity) hear(family ddid.KeyFamily, traceField, spanField field) verdict {
	trace, o := traceField.traceID(family)
	if o != mapped {
		return verdict{trace: o}
	}
	span, spanOutcome := spanField.spanID(family, trace)
	v := verdict{hasSpan: spanField.kind != noField, span: spanOutcome}
	switch {
	case !id.hasTrace():
		if id.span != 0 {
			// The record names a span, and nobody says of which trace.
			return verdict{trace: conflictExisting}
		}
		id.upper, id.lower = trace.High, trace.Low
		v.trace = mapped
	case !id.is(trace):
		return verdict{trace: conflictExisting}
	case id.upper == 0 && trace.High != 0:
		id.upper = trace.High
		v.trace = mapped
	default:
		v.trace = unchanged
	}
	if spanOutcome == mapped {
		switch id.span {
		case 0:
			id.span = span
		case span:
			v.span = unchanged
		default:
			v.span = conflictExisting
		}
	}
	return v
}

// settled reports that the ids of the source are in the record, so that their fields say nothing new.
func settled(o outcome) bool { return o == mapped || o == unchanged }

// inherit takes from an id that is being overwritten what the new one does not contradict.
func (id *identity) inherit(had identity) {
	switch {
	case !id.hasTrace():
		*id = had
	case id.is(ddid.LogTraceID{High: had.upper, Low: had.lower}):
		id.upper |= had.upper
		if id.span == 0 {
			id.span = had.span
		}
	}
}
