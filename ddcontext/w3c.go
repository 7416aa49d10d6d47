package ddcontext

import (
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// readW3C reads traceparent and, leniently, tracestate.
func (p *propagator) readW3C(r *reader, c *candidate) bool {
	parents := r.values(traceparentHeader)
	if len(parents) == 0 || len(parents) == 1 && parents[0] == "" {
		return false
	}
	if len(parents) > 1 || !c.parseTraceparent(parents[0]) {
		p.report(ErrorInvalidContext)
		return false
	}
	c.state = p.joinState(r.values(tracestateHeader))
	if value, ok := FindMember(c.state); ok {
		if len(value) > maxMemberValue {
			p.report(ErrorTracestate)
		} else {
			c.member = value
		}
	}
	c.parts, c.orderly = splitMember(c.member)
	c.decided = true
	return true
}

// parseTraceparent reads version-traceid-parentid-flags, see https://www.w3.org/TR/trace-context-2/#traceparent-header. Unlike
// OpenTelemetry's own propagator it accepts reserved flags, which the specification says to ignore.
func (c *candidate) parseTraceparent(s string) bool {
	s = strings.Trim(s, " \t")
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, okVersion := parseHexByte(s[0:2])
	if !okVersion || version == 0xff || version == 0 && len(s) > 55 || len(s) > 55 && s[55] != '-' {
		return false
	}
	var okHigh, okLow, okSpan, okFlags bool
	c.high, okHigh = parseLowerHex64(s[3:19])
	c.low, okLow = parseLowerHex64(s[19:35])
	c.span, okSpan = parseLowerHex64(s[36:52])
	flags, okFlags := parseHexByte(s[53:55])
	c.flags = trace.TraceFlags(flags) & (trace.FlagsSampled | trace.FlagsRandom)
	return okHigh && okLow && okSpan && okFlags && c.high|c.low != 0 && c.span != 0
}

func parseHexByte(s string) (byte, bool) {
	high, low := hexTable[s[0]], hexTable[s[1]]
	return high<<4 | low&15, (high|low)&(notHex|upperHex) == 0
}

func (p *propagator) joinState(values []string) string {
	total := 0
	for _, v := range values {
		total += len(v) + 1
	}
	switch {
	case total-1 > maxStateLength:
		p.report(ErrorTracestate)
		return ""
	case len(values) == 0:
		return ""
	case len(values) == 1:
		return values[0]
	}
	return strings.Join(values, ",")
}

// spanState makes the tracestate of the remote span: the dd member first, then the vendors of raw in their order. A member OpenTelemetry does
// not accept is left out alone; its own parser would throw all away.
func spanState(raw, member string) trace.TraceState {
	var state trace.TraceState
	raw = firstMembers(raw)
	// Insert puts a member in front and drops the rightmost beyond 32, so from right to left gives the order of the header, and of
	// members with one key the leftmost stays.
	for end := len(raw); end > 0; {
		comma := strings.LastIndexByte(raw[:end], ',')
		key, value, found := strings.Cut(strings.Trim(raw[comma+1:end], " \t"), "=")
		end = max(comma, 0)
		if !found || key == "dd" {
			continue
		}
		if next, err := state.Insert(key, value); err == nil {
			state = next
		}
	}
	if member != "" {
		if next, err := state.Insert("dd", member); err == nil {
			state = next
		}
	}
	return state
}

// firstMembers cuts a list behind its 32nd member, so that a stranger's list costs no more than a legal one.
func firstMembers(raw string) string {
	for i, n := 0, 0; i < len(raw); i++ {
		if raw[i] == ',' {
			if n++; n == maxMembers {
				return raw[:i]
			}
		}
	}
	return raw
}

// writeW3C writes traceparent and tracestate for a valid span context; asIs says that its tracestate needs no change.
func (p *propagator) writeW3C(w *writer, sc trace.SpanContext, data *TraceData, asIs bool) {
	high, low := SplitTraceID(sc.TraceID())
	var buf [55]byte
	s := append(buf[:0], "00-"...)
	s = AppendHex64(s, high)
	s = AppendHex64(s, low)
	s = append(s, '-')
	s = AppendHex64(s, SpanIDUint64(sc.SpanID()))
	flags := byte(sc.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom))
	s = append(s, '-', '0', hexDigits[flags])
	w.set(traceparentHeader, string(s))

	var state string
	if asIs {
		state = sc.TraceState().String()
	} else {
		state = p.stateWith(sc.TraceState(), data)
	}
	if state != "" {
		w.set(tracestateHeader, state)
	} else {
		w.clear(tracestateHeader)
	}
}

// stateWith returns the tracestate header: the span's own, with the dd member first.
func (p *propagator) stateWith(state trace.TraceState, data *TraceData) string {
	var buf [maxMemberLength]byte
	value := buf[:0]
	if !data.isEmpty() {
		var complete bool
		if value, complete = data.AppendMember(value); !complete {
			p.report(ErrorTracestate)
		}
	}
	size, position, same := len(memberPrefix)+len(value), 0, false
	state.Walk(func(key, v string) bool {
		if position == 0 {
			same = key == "dd" && v == string(value)
		}
		position++
		size += len(key) + len(v) + 2
		return true
	})
	if same || position == 0 && len(value) == 0 {
		return state.String()
	}
	var b strings.Builder
	b.Grow(size)
	members := 0
	if len(value) > 0 {
		b.WriteString(memberPrefix)
		b.Write(value)
		members++
	}
	state.Walk(func(key, v string) bool {
		if key == "dd" {
			return true
		}
		if members > 0 {
			b.WriteByte(',')
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(v)
		members++
		return members < maxMembers
	})
	return b.String()
}
