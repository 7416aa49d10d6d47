package decode

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// year2000 is the earliest start that is believed, as in the Datadog agent's normalizer.
var year2000 = uint64(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())

// endSpan writes the scratch to its place in the result.
func (d *Decoder) endSpan() error {
	sp := &d.span
	if sp.bad {
		d.drop(DropMalformed)
		return nil
	}
	if sp.spanID == 0 || (sp.traceID == 0 && !d.chunk.ownsTraceID) {
		d.drop(DropNoID)
		return nil
	}
	if d.stats.Spans >= d.maxSpans {
		return ErrTooManySpans
	}
	g, err := d.group()
	if err != nil {
		return err
	}
	d.stats.Spans++
	out := d.groups[g].spans.AppendEmpty()
	if d.scratch.Links().Len() > 0 {
		d.scratch.Links().MoveAndAppendTo(out.Links())
	}
	if d.scratch.Events().Len() > 0 {
		d.scratch.Events().MoveAndAppendTo(out.Events())
	}
	d.linksFromJSON(out.Links())
	d.eventsFromJSON(out.Events())
	d.times(out)
	if d.mode != Lossless {
		d.semantics(out)
	}
	out.SetSpanID(ddcontext.SpanID(sp.spanID))
	out.SetParentSpanID(ddcontext.SpanID(sp.parentID))
	if sp.failed {
		out.Status().SetCode(ptrace.StatusCodeError)
		out.Status().SetMessage(d.syms.text(sp.errMessage))
	}
	name := d.spanName()
	out.SetName(d.syms.text(name))
	out.SetKind(sp.kind)
	d.attributes(out.Attributes(), name)
	d.place(g)
	return nil
}

func (d *Decoder) times(out ptrace.Span) {
	duration := uint64(max(0, d.span.duration))
	start := d.span.start
	if start < year2000 {
		start = uint64(d.now().UnixNano()) - duration
	}
	if start+duration < start {
		duration = 0
	}
	out.SetStartTimestamp(pcommon.Timestamp(start))
	out.SetEndTimestamp(pcommon.Timestamp(start + duration))
}

// attributes writes what every Datadog span has and what tends to repeat first, in an order of its own, then the rest in the order
// of the wire.
func (d *Decoder) attributes(to pcommon.Map, name sym) {
	sp := &d.span
	d.envelope(kOperationName, sp.name, name)
	d.envelope(kResourceName, sp.resource, name)
	if d.mode != Semantic {
		d.envelope(kSpanType, sp.typ, noSym)
	}
	repeats := d.repeats.list()
	var b xpdata.MapBuilder
	b.EnsureCapacity(len(repeats) + len(d.attrs) + d.lateAttrs())
	d.appendAll(&b, repeats)
	d.appendAll(&b, d.attrs)
	b.UnsafeIntoMap(to)
}

// lateAttrs is how many attributes this span will get when its chunk ends: as the first of a v1.0 chunk, what it does not say itself.
func (d *Decoder) lateAttrs() (n int) {
	if !d.chunk.ownsTraceID || len(d.chunk.spans) > 0 {
		return 0
	}
	if !d.span.hasPriority {
		n++
	}
	if d.span.tid == 0 {
		n++
	}
	if !d.repeats.has(uint8(kDM)) {
		n++
	}
	return n
}

// appendAll writes attributes at the end of a builder.
func (d *Decoder) appendAll(to *xpdata.MapBuilder, attrs []attr) {
	for i := range attrs {
		d.put(attrs[i], to.AppendEmpty(d.syms.text(attrs[i].key)))
	}
}

// envelope writes one of the fields Datadog's exporter looks for among the attributes, in place of a tag of the same name. In
// semantic mode it is written only when the span's name does not say the same.
func (d *Decoder) envelope(key, value, spanName sym) {
	if value == noSym || (d.mode == Semantic && value == spanName) {
		return
	}
	slot := d.syms.all[key].slot
	if d.repeats.has(slot) {
		d.repeats.replace(slot, strAttr(key, value))
		return
	}
	d.repeats.put(slot, strAttr(key, value))
}

// onlyDatadog tells which attributes mean nothing to other backends.
func onlyDatadog(key string) bool {
	return strings.HasPrefix(key, "_dd.") || strings.HasPrefix(key, "_sampling_priority")
}
