package translate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Related collects the links and events of a span. Attributes come one by one, then the link or event they are of.
type Related struct {
	values *Values
	bad    *Unreadable
	span   ptrace.Span // has them until they are moved to where the span goes
	attrs  []Attr
}

// Link is one span link.
type Link struct {
	High, Low, SpanID uint64
	State             intern.Sym
	Flags             uint64
}

func (r *Related) begin() {
	r.attrs = r.attrs[:0]
	if r.span.Links().Len() > 0 || r.span.Events().Len() > 0 {
		// A span that was dropped had them.
		r.span = ptrace.NewSpan()
	}
}

func (r *Related) reset() {
	r.begin()
	clear(r.attrs[:cap(r.attrs)])
	if cap(r.attrs) > maxKept {
		r.attrs = nil
	}
}

// Begin forgets the attributes of a link or event that could not be read.
func (r *Related) Begin() { r.attrs = r.attrs[:0] }

// Attr takes an attribute of the next link or event.
func (r *Related) Attr(a Attr) { r.attrs = intern.Append(r.attrs, a) }

// Link takes a link. One without ids is counted and left out: it reports whether l was taken.
func (r *Related) Link(l Link) bool {
	if l.SpanID == 0 || l.High|l.Low == 0 {
		r.bad.BadLinks++
		r.attrs = r.attrs[:0]
		return false
	}
	to := r.span.Links().AppendEmpty()
	to.SetTraceID(ddcontext.JoinTraceID(l.High, l.Low))
	to.SetSpanID(ddcontext.SpanID(l.SpanID))
	to.TraceState().FromRaw(r.values.String(l.State))
	// Bit 31 says that flags were set at all. https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/span.proto
	to.SetFlags(uint32(l.Flags) &^ (1 << 31))
	r.attributes(to.Attributes())
	return true
}

// Event takes an event. One without a name is counted and left out: it reports whether it was taken.
func (r *Related) Event(when uint64, name intern.Sym) bool {
	if name == intern.Empty {
		r.bad.BadEvents++
		r.attrs = r.attrs[:0]
		return false
	}
	to := r.span.Events().AppendEmpty()
	to.SetName(r.values.String(name))
	to.SetTimestamp(pcommon.Timestamp(when))
	r.attributes(to.Attributes())
	return true
}

// attributes writes the attributes taken so far, the last of each name.
func (r *Related) attributes(to pcommon.Map) {
	list := lastOfEach(r.attrs)
	var b xpdata.MapBuilder
	b.EnsureCapacity(len(list))
	for _, a := range list {
		r.values.Put(a, b.AppendEmpty(r.values.String(a.Key)))
	}
	b.UnsafeIntoMap(to)
	r.attrs = r.attrs[:0]
}

// moveTo moves the links and events to the span they are of.
func (r *Related) moveTo(out ptrace.Span) {
	if r.span.Links().Len() > 0 {
		r.span.Links().MoveAndAppendTo(out.Links())
	}
	if r.span.Events().Len() > 0 {
		r.span.Events().MoveAndAppendTo(out.Events())
	}
}

// hasLink reports whether one of the first n links goes to the same span.
func (r *Related) hasLink(l Link, n int) bool {
	traceID, spanID := pcommon.TraceID(ddcontext.JoinTraceID(l.High, l.Low)), pcommon.SpanID(ddcontext.SpanID(l.SpanID))
	for i := range n {
		if link := r.span.Links().At(i); link.SpanID() == spanID && link.TraceID() == traceID {
			return true
		}
	}
	return false
}

// hasEvent reports whether one of the first n events has this time and name.
func (r *Related) hasEvent(when uint64, name string, n int) bool {
	for i := range n {
		if e := r.span.Events().At(i); uint64(e.Timestamp()) == when && e.Name() == name {
			return true
		}
	}
	return false
}

// lastOfEach removes all attributes of one name but the last, which takes the place of the first.
func lastOfEach(attrs []Attr) []Attr {
	if distinct(attrs) {
		return attrs
	}
	at := make(map[intern.Sym]int, len(attrs))
	kept := attrs[:0]
	for _, a := range attrs {
		if i, ok := at[a.Key]; ok {
			kept[i] = a
			continue
		}
		at[a.Key] = len(kept)
		kept = append(kept, a)
	}
	return kept
}

// distinct reports whether no two attributes have the same name, if they are so few that this is quickly done.
func distinct(attrs []Attr) bool {
	if len(attrs) > 16 {
		return false
	}
	for i := range attrs {
		for j := range attrs[:i] {
			if attrs[i].Key == attrs[j].Key {
				return false
			}
		}
	}
	return true
}
