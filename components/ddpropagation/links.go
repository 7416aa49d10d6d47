package ddpropagation

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// maxLinksBytes is the longest `_dd.span_links` that is read. Tracers cut their values at 25 000 bytes.
const maxLinksBytes = 64 << 10

// hasShortLinks reports whether a link has a 64-bit trace id.
func hasShortLinks(links ptrace.SpanLinkSlice) bool {
	for _, link := range links.All() {
		if upper, lower := ddcontext.SplitTraceID(link.TraceID()); upper == 0 && lower != 0 && !isLateLink(link) {
			return true
		}
	}
	return false
}

const (
	lateLinkKey   = "otelcol_obs.link"
	lateLinkValue = "trace_id_low64"
)

// isLateLink reports whether a link is one that linkLate wrote: its 64-bit trace id is meant.
func isLateLink(link ptrace.SpanLink) bool {
	v, ok := link.Attributes().Get(lateLinkKey)
	return ok && v.Str() == lateLinkValue
}

// linkLate gives the first span of each trace whose upper half came late a link to what went on without: in a backend those are two traces.
func linkLate(td ptrace.Traces, lates map[note]uint64) (linked int64) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				upper, lower := ddcontext.SplitTraceID(span.TraceID())
				passed, ok := lates[note{lower, upper}]
				if !ok {
					continue
				}
				link := span.Links().AppendEmpty()
				link.SetTraceID(ddcontext.JoinTraceID(0, lower))
				link.SetSpanID(ddcontext.SpanID(passed))
				link.Attributes().PutStr(lateLinkKey, lateLinkValue)
				linked++
				if delete(lates, note{lower, upper}); len(lates) == 0 {
					return linked
				}
			}
		}
	}
	return linked
}

func (p *traceProcessor) completeLinks(b *batch, span ptrace.Span) {
	for _, link := range span.Links().All() {
		upper, lower := ddcontext.SplitTraceID(link.TraceID())
		if upper != 0 || lower == 0 || isLateLink(link) {
			continue
		}
		h := p.lookUp(b, lower, 0)
		if h.upper != 0 {
			link.SetTraceID(ddcontext.JoinTraceID(h.upper, lower))
		}
		b.tally[fromLink][h.outcome()]++
	}
	if v, ok := span.Attributes().Get(spanLinksKey); ok && p.addLinks(b, span.Links(), v) && !p.cfg.KeepAttributes {
		span.Attributes().Remove(spanLinksKey)
	}
}

// addLinks adds the links of `_dd.span_links` that are not there yet, and reports whether links says all of it now.
//
//	[{"trace_id": "32 or 16 hex", "span_id": "16 hex", "tracestate": "…", "flags": 1, "attributes": {…}, "dropped_attributes_count": 1}, …]
func (p *traceProcessor) addLinks(b *batch, links ptrace.SpanLinkSlice, v pcommon.Value) bool {
	counts := &b.tally[fromLinksAttribute]
	if v.Type() != pcommon.ValueTypeStr {
		counts[invalid]++
		return false
	}
	if len(v.Str()) > maxLinksBytes {
		counts[outOfRange]++
		return false
	}
	parser := jsonParsers.Get()
	defer jsonParsers.Put(parser)
	doc, err := parser.Parse(v.Str())
	if err != nil || doc.Type() != fastjson.TypeArray {
		counts[invalid]++
		return false
	}
	entries, _ := doc.Array()
	// Two entries may have the same ids and differ in their attributes: each is paired with a link of its own.
	paired := make([]bool, links.Len(), links.Len()+len(entries))
	all := true
	for _, entry := range entries {
		upper, lower, span, ok := linkIDs(entry)
		if !ok {
			counts[invalid]++
			all = false
			continue
		}
		if upper == 0 {
			upper = p.lookUp(b, lower, 0).upper
		}
		if pairLink(links, paired, upper, lower, span) {
			counts[unchanged]++
			continue
		}
		link := links.AppendEmpty()
		paired = append(paired, true)
		link.SetTraceID(ddcontext.JoinTraceID(upper, lower))
		link.SetSpanID(ddcontext.SpanID(span))
		fillLink(link, entry)
		counts[mapped]++
	}
	return all
}

// pairLink finds a link with these ids that no other entry has taken. A 64-bit trace id is the same as the 128-bit one it is the lower half of.
func pairLink(links ptrace.SpanLinkSlice, paired []bool, upper, lower, span uint64) bool {
	for i, taken := range paired {
		if taken || ddcontext.SpanIDUint64(links.At(i).SpanID()) != span {
			continue
		}
		u, l := ddcontext.SplitTraceID(links.At(i).TraceID())
		if l == lower && (u == upper || u == 0 || upper == 0) {
			paired[i] = true
			return true
		}
	}
	return false
}

func linkIDs(entry *fastjson.Value) (upper, lower, span uint64, ok bool) {
	traceText := hexText(entry.GetStringBytes("trace_id"))
	if len(traceText) == 16 {
		lower, ok = ddcontext.ParseHex64(traceText)
	} else {
		upper, lower, ok = ddcontext.ParseHex128(traceText)
	}
	if !ok || lower == 0 {
		return 0, 0, 0, false
	}
	span, ok = ddcontext.ParseHex64(hexText(entry.GetStringBytes("span_id")))
	return upper, lower, span, ok && span != 0
}

// hexText removes the 0x that some tracers print.
func hexText(b []byte) string { return strings.TrimPrefix(string(b), "0x") }

func fillLink(link ptrace.SpanLink, entry *fastjson.Value) {
	for _, key := range []string{"tracestate", "trace_state"} {
		if state := entry.GetStringBytes(key); len(state) > 0 {
			link.TraceState().FromRaw(string(state))
		}
	}
	// Only the W3C byte: bit 31 says that Datadog's flags were set, which in OTLP means something else.
	link.SetFlags(uint32(entry.GetUint("flags")) & 0xff)
	link.SetDroppedAttributesCount(uint32(entry.GetUint("dropped_attributes_count")))
	entry.GetObject("attributes").Visit(func(key []byte, v *fastjson.Value) {
		fillValue(link.Attributes().PutEmpty(string(key)), v)
	})
}

// fillValue copies a JSON value. Tracers send texts and flatten everything else; what is nested all the same stays JSON.
func fillValue(to pcommon.Value, v *fastjson.Value) {
	switch v.Type() {
	case fastjson.TypeString:
		to.SetStr(string(v.GetStringBytes()))
	case fastjson.TypeTrue, fastjson.TypeFalse:
		to.SetBool(v.GetBool())
	case fastjson.TypeNull:
	case fastjson.TypeNumber:
		literal := v.String()
		if n, err := v.Int64(); err == nil {
			to.SetInt(n)
		} else if isDigits(strings.TrimPrefix(literal, "-")) {
			to.SetStr(literal) // exact, which a floating-point number would not be
		} else {
			to.SetDouble(v.GetFloat64())
		}
	default:
		to.SetStr(v.String())
	}
}
