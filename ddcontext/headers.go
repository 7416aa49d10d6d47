package ddcontext

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// header is a header's name as it is sent and as net/http stores it.
type header struct{ name, canonical string }

func newHeader(name string) header { return header{name, http.CanonicalHeaderKey(name)} }

var (
	traceIDHeader  = newHeader("x-datadog-trace-id")
	parentIDHeader = newHeader("x-datadog-parent-id")
	priorityHeader = newHeader("x-datadog-sampling-priority")
	originHeader   = newHeader("x-datadog-origin")
	tagsHeader     = newHeader("x-datadog-tags")

	traceparentHeader = newHeader("traceparent")
	tracestateHeader  = newHeader("tracestate")

	b3Header        = newHeader("b3")
	b3TraceIDHeader = newHeader("x-b3-traceid")
	b3SpanIDHeader  = newHeader("x-b3-spanid")
	b3SampledHeader = newHeader("x-b3-sampled")
	b3FlagsHeader   = newHeader("x-b3-flags")
)

// idHeader is the header without which there is no context of this style.
func (s Style) idHeader() header {
	switch s {
	case Datadog:
		return traceIDHeader
	case TraceContext:
		return traceparentHeader
	case B3:
		return b3Header
	default:
		return b3TraceIDHeader
	}
}

// reader finds headers in a carrier whatever case the sender wrote them in: plain maps keep it.
type reader struct {
	carrier propagation.TextMapCarrier
	http    http.Header // the carrier itself, while its keys can be taken to be canonical
	keys    []string    // the carrier's keys, once they were needed
	listed  bool
}

// newReader returns a reader, or false if the carrier can have no context in any of the styles.
func newReader(carrier propagation.TextMapCarrier, styles []Style) (reader, bool) {
	r := reader{carrier: carrier}
	h, ok := carrier.(propagation.HeaderCarrier)
	if !ok {
		return r, true
	}
	for _, style := range styles {
		if len(h[style.idHeader().canonical]) > 0 {
			r.http = http.Header(h)
			return r, true
		}
	}
	// net/http makes its keys canonical; a map that somebody else filled may hold them in any case.
	for key := range h {
		for _, style := range styles {
			if name := style.idHeader().name; len(key) == len(name) && strings.EqualFold(key, name) {
				return r, true
			}
		}
	}
	return r, false
}

// get returns the header's first value, empty if there is none.
func (r *reader) get(h header) string {
	if r.http != nil {
		if values := r.http[h.canonical]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	if value := r.carrier.Get(h.name); value != "" {
		return value
	}
	if values := r.folded(h); len(values) > 0 {
		return values[0]
	}
	return ""
}

// values returns all values of the header; most carriers have one at most.
func (r *reader) values(h header) []string {
	if r.http != nil {
		return r.http[h.canonical]
	}
	if getter, ok := r.carrier.(propagation.ValuesGetter); ok {
		if values := getter.Values(h.name); len(values) > 0 {
			return values
		}
	} else if value := r.carrier.Get(h.name); value != "" {
		return []string{value}
	}
	return r.folded(h)
}

// folded looks for the header under another case. Of several spellings the alphabetically first is taken: maps have no order, answers should.
func (r *reader) folded(h header) []string {
	key, found := "", false
	consider := func(k string) {
		if len(k) == len(h.name) && strings.EqualFold(k, h.name) && (!found || k < key) {
			key, found = k, true
		}
	}
	switch c := r.carrier.(type) {
	case propagation.MapCarrier:
		for k := range c {
			consider(k)
		}
	case propagation.HeaderCarrier:
		// Not Get: it would make the key canonical, under which the value is not stored.
		for k := range c {
			consider(k)
		}
		return c[key]
	default:
		if !r.listed {
			r.keys, r.listed = r.carrier.Keys(), true
		}
		for _, k := range r.keys {
			consider(k)
		}
	}
	if !found {
		return nil
	}
	if value := r.carrier.Get(key); value != "" {
		return []string{value}
	}
	return nil
}

// writer sets headers in a carrier. Every value it is given was checked to be printable ASCII, so none can end a header line.
type writer struct {
	carrier propagation.TextMapCarrier
	http    http.Header // the carrier, if it is one
	values  []string    // one array for the values of all headers, as net/http's own reader has it
}

// newWriter returns a writer of these headers. Under other spellings than those it writes, a map that is used again may hold an earlier hop's: they go,
// or a reader that finds names in any case would mix the two.
func newWriter(carrier propagation.TextMapCarrier, headers []header) writer {
	w := writer{carrier: carrier}
	switch c := carrier.(type) {
	case propagation.HeaderCarrier:
		w.http, w.values = http.Header(c), make([]string, 0, len(headers))
		for key := range c {
			if h, ok := spelledLike(key, headers); ok && key != h.canonical {
				delete(c, key)
			}
		}
	case propagation.MapCarrier:
		for key := range c {
			if h, ok := spelledLike(key, headers); ok && key != h.name {
				delete(c, key)
			}
		}
	}
	return w
}

// spelledLike returns the header that a key spells in whatever case.
func spelledLike(key string, headers []header) (header, bool) {
	for _, h := range headers {
		if len(h.name) == len(key) && strings.EqualFold(h.name, key) {
			return h, true
		}
	}
	return header{}, false
}

func (w *writer) set(h header, value string) {
	if w.http == nil {
		w.carrier.Set(h.name, value)
		return
	}
	w.values = append(w.values, value)
	n := len(w.values)
	w.http[h.canonical] = w.values[n-1 : n : n] // full, so that Add copies it
}

// clear removes a header of an earlier hop from a carrier that is used again: old tags beside new ids would be a forged context.
func (w *writer) clear(h header) {
	switch c := w.carrier.(type) {
	case propagation.HeaderCarrier:
		delete(c, h.canonical)
	case propagation.MapCarrier:
		delete(c, h.name)
	case interface{ Delete(key string) }:
		c.Delete(h.name)
	default:
		if c.Get(h.name) != "" {
			c.Set(h.name, "")
		}
	}
}
