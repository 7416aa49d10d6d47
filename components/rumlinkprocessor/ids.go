package rumlinkprocessor

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// maxJSONBody bounds the text that is parsed in search of an id.
const maxJSONBody = 64 << 10

// idSource is a pair of names under which loggers write ids.
type idSource struct {
	trace, span string
	family      ddid.KeyFamily
}

// idSources are looked at in this order; a pair is always taken from one of
// them. Datadog's own names come first, for they are never used for other ids.
var idSources = [...]idSource{
	{"dd.trace_id", "dd.span_id", ddid.DatadogKey},
	{"trace_id", "span_id", ddid.BareKey},
	{"traceId", "spanId", ddid.BareKey},
	{"otelTraceID", "otelSpanID", ddid.BareKey},
}

const traceparent = "traceparent"

// parseIDs gives a log without a trace id the ids that it names elsewhere. Ids
// that make no sense are left where they are.
func (c *IDsConfig) parseIDs(lr plog.LogRecord) {
	if !lr.TraceID().IsEmpty() {
		return
	}
	if c.ParseAttributes && setIDsFrom(lr, func(name string) string { return idText(lr.Attributes(), name) }) {
		return
	}
	if !c.ParseBody {
		return
	}
	switch lr.Body().Type() {
	case pcommon.ValueTypeMap:
		setIDsFrom(lr, func(name string) string { return idText(lr.Body().Map(), name) })
	case pcommon.ValueTypeStr:
		if fields := jsonFields(lr.Body().Str()); fields != nil {
			setIDsFrom(lr, func(name string) string { return jsonText(fields, name) })
		}
	}
}

// setIDsFrom reads the first source that get, a name's text or "", knows.
func setIDsFrom(lr plog.LogRecord, get func(name string) string) bool {
	for _, src := range &idSources {
		text := get(src.trace)
		if text == "" {
			continue
		}
		trace, out := ddid.ParseLogTraceID(text, src.family)
		if out != ddid.Mapped {
			continue
		}
		lr.SetTraceID(ddcontext.JoinTraceID(trace.High, trace.Low))
		if span, out := ddid.ParseLogSpanID(get(src.span), src.family, trace); out == ddid.Mapped {
			lr.SetSpanID(ddcontext.SpanID(span))
		}
		return true
	}
	// https://www.w3.org/TR/trace-context/#traceparent-header: version 00 is
	// 2-32-16-2 digits, and later versions begin the same.
	parts := strings.SplitN(get(traceparent), "-", 5)
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" {
		return false
	}
	hi, lo, ok := ddcontext.ParseHex128(parts[1])
	span, spanOK := ddcontext.ParseHex64(parts[2])
	if !ok || !spanOK || hi|lo == 0 || span == 0 {
		return false
	}
	lr.SetTraceID(ddcontext.JoinTraceID(hi, lo))
	lr.SetSpanID(ddcontext.SpanID(span))
	return true
}

// idText returns the text of an id in m: under its flat name, or in a map dd.
func idText(m pcommon.Map, name string) string {
	v, ok := m.Get(name)
	if !ok {
		rest, nested := strings.CutPrefix(name, "dd.")
		if !nested {
			return ""
		}
		if v, ok = m.Get("dd"); !ok || v.Type() != pcommon.ValueTypeMap {
			return ""
		}
		if v, ok = v.Map().Get(rest); !ok {
			return ""
		}
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v.Str()
	case pcommon.ValueTypeInt:
		if id, out := ddid.LogIDFromInt(v.Int()); out == ddid.Mapped {
			return strconv.FormatUint(id, 10)
		}
	case pcommon.ValueTypeDouble:
		if id, out := ddid.LogIDFromFloat(v.Double()); out == ddid.Mapped {
			return strconv.FormatUint(id, 10)
		}
	}
	return ""
}

// jsonFields returns the fields of a JSON object that may name an id, else nil.
// Values stay text: a number loses no digit.
func jsonFields(body string) map[string]json.RawMessage {
	if len(body) > maxJSONBody || !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return nil
	}
	if !strings.Contains(body, "race_id") && !strings.Contains(body, "raceId") &&
		!strings.Contains(body, "raceID") && !strings.Contains(body, traceparent) {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &fields) != nil {
		return nil
	}
	return fields
}

func jsonText(fields map[string]json.RawMessage, name string) string {
	raw, ok := fields[name]
	if !ok {
		rest, nested := strings.CutPrefix(name, "dd.")
		var inner map[string]json.RawMessage
		if !nested || json.Unmarshal(fields["dd"], &inner) != nil {
			return ""
		}
		raw = inner[rest]
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw) // a number, or what no parser of ids accepts
}
