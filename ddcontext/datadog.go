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
		// The tid alone is taken from a broken list: without it the trace would be another one.
		p.report(ErrorDecoding)
		if tid = tidOf(text); tid == "" {
			c.lostUpper = true
			return
		}
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
		for _, h := range Datadog.fields() {
			w.clear(h) // of an earlier hop
		}
		return
	}
	var buf [2*20 + len(tidKey) + 18 + MaxTagsLength]byte
	text := strconv.AppendUint(buf[:0], low, 10)
	parentStart := len(text)
	text = strconv.AppendUint(text, SpanIDUint64(sc.SpanID()), 10)
	tagsStart := len(text)
	values := string(p.appendTags(text, data.Tags, high)) // one allocation for three headers
	w.set(traceIDHeader, values[:parentStart])
	w.set(parentIDHeader, values[parentStart:tagsStart])
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
	if tags := values[tagsStart:]; tags != "" {
		w.set(tagsHeader, tags)
	} else {
		w.clear(tagsHeader)
	}
}

// appendTags appends x-datadog-tags. If it grows too long the tid is sent alone, since without it the receiver would see another trace.
func (p *propagator) appendTags(dst []byte, tags Tags, high uint64) []byte {
	if p.maxTags == 0 {
		return dst
	}
	start := len(dst)
	if high != 0 {
		dst = append(dst, tidKey+"="...)
		dst = AppendHex64(dst, high)
	}
	tidEnd := len(dst)
	if tags.wire != "" {
		if tidEnd > start {
			dst = append(dst, ',')
		}
		dst = append(dst, tags.wire...)
	}
	if len(dst)-start <= p.maxTags {
		return dst
	}
	p.report(ErrorInjectMaxSize)
	if tidEnd-start > p.maxTags {
		return dst[:start]
	}
	return dst[:tidEnd]
}

// tidOf returns the last `_dd.p.tid` of a list of tags, however broken the rest of the list is.
func tidOf(text string) (tid string) {
	for tag := range strings.SplitSeq(text, ",") {
		if value, ok := strings.CutPrefix(strings.Trim(tag, " \t"), tidKey+"="); ok {
			tid = value
		}
	}
	return tid
}

func spanHex(id uint64) string {
	var buf [16]byte
	return string(AppendHex64(buf[:0], id))
}
