package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// linkOrphan links a root span to the trace that its key comes from. The parent
// is never touched: the span's children already carry its own trace id.
func (p *spanLinker) linkOrphan(n *spanBatch, ref spanRef, span ptrace.Span) {
	miss := resultNoID
	for i := range p.join.keys {
		k := &p.join.keys[i]
		if !k.links {
			continue
		}
		at, ok := p.join.keyOf(ref.tenant, k, k.Span, span.Attributes())
		if !ok {
			continue
		}
		o, _, res := p.join.ownerOf(at, k)
		if res == resultHit && (o.low == ref.low || o.start > uint64(span.StartTimestamp())) {
			res = resultNotFound // its own key: it is the cause and not the effect
		}
		miss = max(miss, res)
		if res != resultHit {
			continue
		}
		addLink(span, &o, k.Name)
		span.Attributes().PutBool(attrLinked, true)
		span.Attributes().Remove(attrMissReason)
		n.lookups[methodKey][resultHit]++
		if k.Consume {
			n.consumed = append(n.consumed, at)
		}
		return
	}
	if miss == resultNoID {
		return
	}
	n.lookups[methodNone][miss]++
	if _, said := span.Attributes().Get(attrLinked); !said {
		span.Attributes().PutBool(attrLinked, false)
		span.Attributes().PutStr(attrMissReason, resultNames[miss])
	}
}

func addLink(span ptrace.Span, o *owner, name string) {
	trace := pcommon.TraceID(ddcontext.JoinTraceID(o.hi, o.low))
	id := pcommon.SpanID(ddcontext.SpanID(o.span))
	for _, l := range span.Links().All() {
		if l.TraceID() == trace && l.SpanID() == id {
			return
		}
	}
	l := span.Links().AppendEmpty()
	l.SetTraceID(trace)
	l.SetSpanID(id)
	l.Attributes().PutStr(attrKey, name)
}
