package rumlinkprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

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
