package ddcontext

import (
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// readB3 reads the single header: traceid(16|32)-spanid(16)[-sampled[-parent]], see https://github.com/openzipkin/b3-propagation.
// A decision without ids is no context.
func (p *propagator) readB3(r *reader, c *candidate) bool {
	text := r.get(b3Header)
	if text == "" || text == "0" || text == "1" || text == "d" {
		return false
	}
	id, rest, _ := strings.Cut(text, "-")
	span, rest, _ := strings.Cut(rest, "-")
	sampled, _, _ := strings.Cut(rest, "-")
	if !c.parseB3IDs(id, span) || !c.parseB3Sampled(sampled) {
		p.report(ErrorInvalidContext)
		return false
	}
	return true
}

// readB3Multi reads the x-b3-* headers.
func (p *propagator) readB3Multi(r *reader, c *candidate) bool {
	text := r.get(b3TraceIDHeader)
	if text == "" {
		return false
	}
	sampled := r.get(b3SampledHeader)
	if r.get(b3FlagsHeader) == "1" {
		sampled = "d"
	}
	if !c.parseB3IDs(text, r.get(b3SpanIDHeader)) || !c.parseB3Sampled(sampled) {
		p.report(ErrorInvalidContext)
		return false
	}
	return true
}

func (c *candidate) parseB3IDs(id, span string) bool {
	var ok bool
	if len(id) == 16 {
		c.low, ok = ParseHex64(id)
	} else {
		c.high, c.low, ok = ParseHex128(id)
	}
	if !ok || c.high|c.low == 0 {
		return false
	}
	c.span, ok = ParseHex64(span)
	return ok && c.span != 0
}

func (c *candidate) parseB3Sampled(s string) bool {
	switch s {
	case "":
		return true
	case "0", "false":
	case "1", "true":
		c.setSampled(true)
	case "d": // debug: somebody asked for this trace, as Python and Node read it; Go makes it 1
		c.setSampled(true)
		c.data.Priority, c.data.HasPriority = PriorityUserKeep, true
	default:
		return false
	}
	c.decided = true
	return true
}

// writeB3 writes the single header, without a decision if there is none.
func writeB3(w *writer, sc trace.SpanContext, data *TraceData) {
	var buf [51]byte
	s := appendB3TraceID(buf[:0], sc)
	s = append(s, '-')
	s = AppendHex64(s, SpanIDUint64(sc.SpanID()))
	if data.HasPriority {
		s = append(s, '-')
		s = append(s, b3Sampled(data)...)
	}
	w.set(b3Header, string(s))
}

// writeB3Multi writes the x-b3-* headers.
func writeB3Multi(w *writer, sc trace.SpanContext, data *TraceData) {
	var buf [32]byte
	w.set(b3TraceIDHeader, string(appendB3TraceID(buf[:0], sc)))
	w.set(b3SpanIDHeader, spanHex(SpanIDUint64(sc.SpanID())))
	if data.HasPriority {
		w.set(b3SampledHeader, b3Sampled(data))
	} else {
		w.clear(b3SampledHeader)
	}
	w.clear(b3FlagsHeader)
}

func appendB3TraceID(dst []byte, sc trace.SpanContext) []byte {
	high, low := SplitTraceID(sc.TraceID())
	if high != 0 {
		dst = AppendHex64(dst, high)
	}
	return AppendHex64(dst, low)
}

func b3Sampled(data *TraceData) string {
	if data.Priority > 0 {
		return "1"
	}
	return "0"
}
