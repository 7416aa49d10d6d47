package ddcontext

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// maxOriginLength bounds x-datadog-origin: real ones are a word, and what is read here is sent on with every request.
const maxOriginLength = 256

// readDatadog reads the x-datadog-* headers.
func (p *propagator) readDatadog(r *reader, c *candidate) bool {
	text := r.get(traceIDHeader)
	if text == "" {
		return false
	}
	var ok bool
	if c.low, ok = ParseUint64(text); !ok || c.low == 0 {
		p.report(ErrorInvalidContext)
		return false
	}
	c.data.Origin = r.get(originHeader)
	if text = r.get(parentIDHeader); text != "" {
		c.span, ok = ParseUint64(text)
	}
	// Datadog's synthetic tests send parent 0 and want the receiver's span to be the root.
	if !ok || c.span == 0 && !strings.HasPrefix(c.data.Origin, "synthetics") {
		p.report(ErrorInvalidContext)
		return false
	}
	if len(c.data.Origin) > maxOriginLength {
		p.report(ErrorOrigin)
		c.data.Origin = ""
	}
	if text = r.get(priorityHeader); text != "" {
		if c.data.Priority, c.data.HasPriority = ParsePriority(text); !c.data.HasPriority {
			p.report(ErrorPriority)
		}
	}
	p.readTags(r.get(tagsHeader), c)
	c.datadogParent = c.span
	c.decided = c.data.HasPriority
	c.setSampled(c.data.Priority > 0)
	return true
}

func (p *propagator) readTags(text string, c *candidate) {
	switch {
	case text == "":
		return
	case p.maxTags == 0:
		c.lostUpper = true
		return
	case len(text) > p.maxTags:
		p.report(ErrorExtractMaxSize)
		c.lostUpper = true
		return
	}
	tags, tid, ok := ParseTags(text)
	if !ok {
		p.report(ErrorDecoding)
		c.lostUpper = true
		return
	}
	c.data.Tags = tags
	if tid == "" {
		return
	}
	if c.high, ok = ParseTID(tid); !ok {
		p.report(ErrorMalformedTID)
		c.high, c.lostUpper = 0, true
	}
}

// writeDatadog writes the x-datadog-* headers for a valid span context.
func (p *propagator) writeDatadog(w *writer, sc trace.SpanContext, data *TraceData) {
	high, low := SplitTraceID(sc.TraceID())
	if low == 0 {
		p.report(ErrorZeroLowHalf)
		return
	}
	w.set(traceIDHeader, strconv.FormatUint(low, 10))
	w.set(parentIDHeader, strconv.FormatUint(SpanIDUint64(sc.SpanID()), 10))
	if data.HasPriority {
		w.set(priorityHeader, strconv.Itoa(data.Priority))
	} else {
		w.clear(priorityHeader)
	}
	if data.Origin != "" && printable(data.Origin) {
		w.set(originHeader, data.Origin)
	} else {
		if data.Origin != "" {
			p.report(ErrorEncoding)
		}
		w.clear(originHeader)
	}
	if tags := p.tagsWithTID(data.Tags, high); tags != "" {
		w.set(tagsHeader, tags)
	} else {
		w.clear(tagsHeader)
	}
}

// tagsWithTID returns x-datadog-tags. If it grows too long the tid is sent alone, since without it the receiver would see another trace.
func (p *propagator) tagsWithTID(tags Tags, high uint64) string {
	if p.maxTags == 0 {
		return ""
	}
	var buf [MaxTagsLength]byte
	wire := buf[:0]
	if high != 0 {
		wire = append(wire, tidKey+"="...)
		wire = AppendHex64(wire, high)
	}
	tid := len(wire)
	if tags.wire != "" {
		if tid > 0 {
			wire = append(wire, ',')
		}
		wire = append(wire, tags.wire...)
	}
	if len(wire) > p.maxTags {
		p.report(ErrorInjectMaxSize)
		wire = wire[:tid]
		if tid > p.maxTags {
			return ""
		}
	}
	if high == 0 && len(wire) > 0 {
		return tags.wire
	}
	return string(wire)
}

func spanHex(id uint64) string {
	var buf [16]byte
	return string(AppendHex64(buf[:0], id))
}
