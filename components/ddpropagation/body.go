package ddpropagation

import "go.opentelemetry.io/collector/pdata/pcommon"

// hearBody takes ids from the body and reports whether it held any. The body of a record is a map or a text; a text may be a JSON object.
func (p *logProcessor) hearBody(body pcommon.Value, id *identity, h *hits, counts *tally) bool {
	switch body.Type() {
	case pcommon.ValueTypeMap:
		return p.cfg.Body.Map && p.hearMap(body.Map(), id, h, counts)
	case pcommon.ValueTypeStr:
		text := body.Str()
		if p.cfg.Body.JSON {
			if heard, isObject := p.hearJSON(text, id, counts); isObject {
				return heard
			}
		}
		return p.hearText(text, id, counts)
	}
	return false
}

func (p *logProcessor) hearMap(m pcommon.Map, id *identity, h *hits, counts *tally) bool {
	p.finder.scan(m, h)
	heard := h.found != 0
	for h.found != 0 {
		source := h.next()
		if pair := &p.finder.pairs[source]; !p.finder.isSpare(pair, m) {
			p.hear(p.bodyMap, pair.family, id, pair.traceField(fieldOf(h.values[source])), fieldIn(m, pair.SpanID), counts)
		}
	}
	if !heard {
		for _, v := range m.All() {
			if v.Type() == pcommon.ValueTypeStr && p.hearText(v.Str(), id, counts) {
				return true
			}
		}
	}
	return heard
}
