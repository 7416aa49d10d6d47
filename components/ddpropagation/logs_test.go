package ddpropagation

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	hexTrace  = "6a70aa950000000042f4b7ad16a3d8df"
	lowerHex  = "42f4b7ad16a3d8df"
	zeros     = "0000000000000000"
	spanHex   = "18f9eb873d46b015"
	spanDec   = "1799728492192378901"
	traceDec  = "4824683054857705695"
	trace128  = "141483164615985818636382019504214104287"
	otelTrace = "0af7651916cd43dd8448eb211c80319c"
	otelSpan  = "b7ad6b7169203331"
)

// What one pair of fields becomes, and what is counted for its trace id and its span id; "" is an id that stays empty, or no count.
func TestLogFields(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		who                string
		attrs              m
		trace, span        string
		traceWas, spanWas  string
		source             string
		existing, existSpn string
	}{
		// Who writes what.
		{who: "Python 3: hex", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Python 3, 64-bit: decimal", attrs: m{"dd.trace_id": traceDec, "dd.span_id": spanDec}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Python 2: 39 digits", attrs: m{"dd.trace_id": trace128, "dd.span_id": spanDec}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Python: no span", attrs: m{"dd.trace_id": "0", "dd.span_id": "0"}, traceWas: "absent", source: "dd.trace_id"},
		{who: "Python, JSON null", attrs: m{"dd.trace_id": nil, "dd.span_id": nil}, traceWas: "absent", source: "dd.trace_id"},
		{who: "loguru", attrs: m{"record": m{"extra": m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}}}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "record.extra.dd.trace_id"},
		{who: "Node.js", attrs: m{"dd": m{"trace_id": hexTrace, "span_id": spanDec}}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Node.js: no span", attrs: m{"dd": m{}}, traceWas: "absent", source: "none"},
		{who: "Java, MDC", attrs: m{"mdc": m{"dd.trace_id": traceDec, "dd.span_id": spanDec}}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "mdc.dd.trace_id"},
		{who: "Java, contextMap", attrs: m{"contextMap": m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "contextMap.dd.trace_id"},
		{who: "Java, contextMap flattened", attrs: m{"contextMap.dd.trace_id": hexTrace, "contextMap.dd.span_id": spanDec}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "contextMap.dd.trace_id"},
		{who: "Java, contextMap half flattened", attrs: m{"contextMap.dd": m{"trace_id": hexTrace, "span_id": spanDec}}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "contextMap.dd.trace_id"},
		{who: "Java: padded 64-bit", attrs: m{"dd.trace_id": zeros + lowerHex, "dd.span_id": spanDec}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Java: unresolved pattern", attrs: m{"dd.trace_id": "%X{dd.trace_id}", "dd.span_id": "%X{dd.span_id}"}, traceWas: "absent", source: "dd.trace_id"},
		{who: "log4j: unresolved lookup", attrs: m{"dd.trace_id": "${dd:dd.trace_id}"}, traceWas: "absent", source: "dd.trace_id"},
		{who: ".NET, Serilog", attrs: m{"dd_trace_id": hexTrace, "dd_span_id": spanDec}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd_trace_id"},
		{who: ".NET, Serilog JSON", attrs: m{"Properties": m{"dd_trace_id": traceDec, "dd_span_id": spanDec}}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "Properties.dd_trace_id"},
		{who: "Ruby, semantic_logger", attrs: m{"named_tags": m{"dd": m{"trace_id": hexTrace, "span_id": spanDec}}}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "named_tags.dd.trace_id"},
		{who: "Go 2: 32 digits for 64-bit ids", attrs: m{"dd.trace_id": zeros + lowerHex, "dd.span_id": spanDec}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "Go, zap.Uint64", attrs: m{"dd.trace_id": int64(4824683054857705695), "dd.span_id": int64(1799728492192378901)}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "C++ (nginx): hex span ids", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": "18F9EB873D46B015"}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "C++ (nginx): the root span, digits only", attrs: m{"dd.trace_id": "6a70aa95000000001234567812345678", "dd.span_id": "1234567812345678"}, trace: "6a70aa95000000001234567812345678", span: "1234567812345678", traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "decimal of 16 digits elsewhere", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": "1234567812345678"}, trace: hexTrace, span: "000462d537e7ef4e", traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},

		{who: "RUM, browser", attrs: m{"_dd": m{"trace_id": traceDec, "span_id": spanDec}}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "_dd.trace_id"},
		{who: "RUM, mobile: hex", attrs: m{"_dd.trace_id": hexTrace, "_dd.span_id": spanDec}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "_dd.trace_id"},
		{who: "OpenTelemetry, Python logging", attrs: m{"otelTraceID": otelTrace, "otelSpanID": otelSpan}, trace: otelTrace, span: otelSpan, traceWas: "mapped", spanWas: "mapped", source: "otelTraceID"},
		{who: "OpenTelemetry, Python logging: no span", attrs: m{"otelTraceID": "0", "otelSpanID": "0"}, traceWas: "absent", source: "otelTraceID"},
		{who: "camel case", attrs: m{"traceId": otelTrace, "spanId": otelSpan}, trace: otelTrace, span: otelSpan, traceWas: "mapped", spanWas: "mapped", source: "traceId"},

		// Ambiguous and broken values.
		{who: "32 digits are hex", attrs: m{"dd.trace_id": "12345678901234567890123456789012"}, trace: "12345678901234567890123456789012", traceWas: "mapped", source: "dd.trace_id"},
		{who: "16 hex with a letter", attrs: m{"dd.trace_id": lowerHex, "dd.span_id": spanHex}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "2^64-1", attrs: m{"dd.trace_id": "18446744073709551615"}, trace: zeros + "ffffffffffffffff", traceWas: "mapped", source: "dd.trace_id"},
		{who: "2^128", attrs: m{"dd.trace_id": "340282366920938463463374607431768211456"}, traceWas: "out_of_range", source: "dd.trace_id"},
		{who: "span 2^64", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": "18446744073709551616"}, trace: hexTrace, traceWas: "mapped", spanWas: "out_of_range", source: "dd.trace_id"},
		{who: "quoted", attrs: m{"dd.trace_id": ` "` + hexTrace + `" `, "dd.span_id": "'" + spanDec + "'"}, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "zero of any width", attrs: m{"dd.trace_id": zeros + zeros, "dd.span_id": zeros}, traceWas: "absent", source: "dd.trace_id"},
		{who: "a word for none", attrs: m{"dd.trace_id": "undefined"}, traceWas: "absent", source: "dd.trace_id"},
		{who: "empty", attrs: m{"dd.trace_id": ""}, traceWas: "absent", source: "dd.trace_id"},
		{who: "zero as a number", attrs: m{"dd.trace_id": int64(0)}, traceWas: "absent", source: "dd.trace_id"},
		{who: "minus one as a number", attrs: m{"dd.trace_id": int64(-1)}, traceWas: "absent", source: "dd.trace_id"},
		{who: "a wrapped number", attrs: m{"dd.trace_id": int64(-3)}, trace: zeros + "fffffffffffffffd", traceWas: "mapped", source: "dd.trace_id"},
		{who: "a double below 2^53", attrs: m{"dd.trace_id": float64(1<<53 - 1)}, trace: zeros + "001fffffffffffff", traceWas: "mapped", source: "dd.trace_id"},
		{who: "a double of 2^53, which 2^53+1 becomes too", attrs: m{"dd.trace_id": float64(1 << 53)}, traceWas: "precision_loss", source: "dd.trace_id"},
		{who: "a fraction", attrs: m{"dd.trace_id": 1.5}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "a boolean", attrs: m{"dd.trace_id": true}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "a list", attrs: m{"dd.trace_id": []any{"1"}}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "a map", attrs: m{"dd.trace_id": m{"high": "1"}}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "the id's own bytes", attrs: m{"dd.trace_id": []byte("0123456789abcdef")}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "arabic digits, which Python's int() takes", attrs: m{"dd.trace_id": "١٢٣"}, traceWas: "invalid", source: "dd.trace_id"},
		{who: "a sign, which Go and Node.js take in headers", attrs: m{"dd.trace_id": "-5"}, traceWas: "invalid", source: "dd.trace_id"},

		// Bare names.
		{who: "OpenTelemetry", attrs: m{"trace_id": otelTrace, "span_id": otelSpan}, trace: otelTrace, span: otelSpan, traceWas: "mapped", spanWas: "mapped", source: "trace_id"},
		{who: "OpenTelemetry: a span of digits is hex", attrs: m{"trace_id": otelTrace, "span_id": "1234567812345678"}, trace: otelTrace, span: "1234567812345678", traceWas: "mapped", spanWas: "mapped", source: "trace_id"},
		{who: "OpenTelemetry trace, decimal span", attrs: m{"trace_id": otelTrace, "span_id": spanDec}, trace: otelTrace, traceWas: "mapped", spanWas: "invalid", source: "trace_id"},
		{who: "OpenTelemetry trace, number as span", attrs: m{"trace_id": otelTrace, "span_id": int64(7)}, trace: otelTrace, traceWas: "mapped", spanWas: "invalid", source: "trace_id"},
		{who: "decimal under a bare name is Datadog", attrs: m{"trace_id": traceDec, "span_id": spanDec}, trace: zeros + lowerHex, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "trace_id"},
		{who: "decimal trace, hex span", attrs: m{"trace_id": traceDec, "span_id": otelSpan}, trace: zeros + lowerHex, traceWas: "mapped", spanWas: "invalid", source: "trace_id"},
		{who: "half an id under a bare name", attrs: m{"trace_id": lowerHex}, traceWas: "invalid", source: "trace_id"},
		{who: "a UUID", attrs: m{"trace_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}, traceWas: "invalid", source: "trace_id"},

		// What the record says already.
		{who: "contrib's datadog receiver", attrs: m{"dd.trace_id": traceDec, "dd.span_id": spanDec}, existing: zeros + lowerHex, existSpn: spanHex, trace: zeros + lowerHex, span: spanHex, traceWas: "unchanged", spanWas: "unchanged", source: "dd.trace_id"},
		{who: "its 64-bit id completed", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, existing: zeros + lowerHex, trace: hexTrace, span: spanHex, traceWas: "mapped", spanWas: "mapped", source: "dd.trace_id"},
		{who: "a full id is not shortened", attrs: m{"dd.trace_id": traceDec}, existing: hexTrace, trace: hexTrace, traceWas: "unchanged", source: "dd.trace_id"},
		{who: "another trace: the span stays too", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, existing: otelTrace, trace: otelTrace, traceWas: "conflict_existing", source: "dd.trace_id"},
		{who: "another upper half is another trace", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, existing: "1111111111111111" + lowerHex, trace: "1111111111111111" + lowerHex, traceWas: "conflict_existing", source: "dd.trace_id"},
		{who: "another span", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, existing: hexTrace, existSpn: otelSpan, trace: hexTrace, span: otelSpan, traceWas: "unchanged", spanWas: "conflict_existing", source: "dd.trace_id"},
		{who: "a span of who knows which trace", attrs: m{"dd.trace_id": hexTrace, "dd.span_id": spanDec}, existSpn: otelSpan, span: otelSpan, traceWas: "conflict_existing", source: "dd.trace_id"},
		{who: "an existing id and nothing else", existing: otelTrace, existSpn: otelSpan, trace: otelTrace, span: otelSpan, traceWas: "unchanged", source: "none"},
		{who: "nothing at all", traceWas: "absent", source: "none"},
	} {
		t.Run(c.who, func(t *testing.T) {
			ld, record := oneRecord()
			if c.attrs != nil {
				require.NoError(t, record.Attributes().FromRaw(c.attrs))
			}
			record.SetTraceID(traceIDOf(t, c.existing))
			record.SetSpanID(spanIDOf(t, c.existSpn))
			before := pcommon.NewMap()
			record.Attributes().CopyTo(before)

			counted := countIDs(t, createDefaultConfig().(*Config), ld)

			require.Equal(t, traceIDOf(t, c.trace), record.TraceID())
			require.Equal(t, spanIDOf(t, c.span), record.SpanID())
			require.Equal(t, before, record.Attributes())
			want := counts{}
			want.add("logs", c.source, c.traceWas, 1)
			if c.spanWas != "" {
				want.add("logs", c.source, c.spanWas, 1)
			}
			require.Equal(t, want, counted)
		})
	}
}

// The flat spelling counts when a source stands in two places, whatever the order of the attributes.
func TestFlatKeyBeatsNestedOne(t *testing.T) {
	for _, flatFirst := range []bool{true, false} {
		ld, record := oneRecord()
		flat := func() { record.Attributes().PutStr("dd.trace_id", "1") }
		nested := func() { record.Attributes().PutEmptyMap("dd").PutStr("trace_id", "2") }
		if flatFirst {
			flat()
			nested()
		} else {
			nested()
			flat()
		}
		countIDs(t, createDefaultConfig().(*Config), ld)
		require.Equal(t, traceIDOf(t, zeros+"0000000000000001"), record.TraceID())
	}
}

func TestTextOfABody(t *testing.T) {
	for _, c := range []struct{ who, text, trace, span string }{
		{"Python", "[dd.service=a dd.env=b dd.version=1 dd.trace_id=" + traceDec + " dd.span_id=" + spanDec + "] - hi", traceDec, spanDec},
		{"Ruby", "dd.env=b dd.service=a dd.version=1 dd.trace_id=" + hexTrace + " dd.span_id=" + spanDec + " hi", hexTrace, spanDec},
		{"PHP", `hi [dd.trace_id="` + traceDec + `" dd.span_id="` + spanDec + `" dd.service="a" level_name="INFO"]`, traceDec, spanDec},
		{"nginx, no blank between", `"GET /" dd.trace_id="` + hexTrace + `"dd.span_id="` + spanHex + `"`, hexTrace, spanHex},
		{"Lambda", "[dd.trace_id=1 dd.span_id=2] hi", "1", "2"},
		{"log4j, whole MDC", "{dd.span_id=2, dd.trace_id=1} hi", "1", "2"},
		{"escaped quotes", `{\"x\":\"dd.trace_id=\"1\" dd.span_id=\"2\"\"}`, "1", "2"},
		{"single quotes", "dd.trace_id='1' dd.span_id='2'", "1", "2"},
		{"at the very end", "dd.span_id=2 dd.trace_id=1", "1", "2"},
		{"nothing after it", "dd.trace_id=", "", ""},
		{"a quote that was cut off", `dd.trace_id="1`, "", ""},
		{"only a span", "dd.span_id=2", "", ""},
		{"unresolved pattern", "dd.trace_id=%X{dd.trace_id} dd.span_id=%X{dd.span_id}", "", ""},
		{"another name", "old_dd.trace_id=1 x.dd.trace_id=2 0dd.trace_id=3", "", ""},
		{"another name, then the name", "add.trace_id=1 dd.trace_id=2", "2", ""},
		{"two traces: the first pair", "[dd.trace_id=1 dd.span_id=2] caused by [dd.trace_id=3 dd.span_id=4]", "1", "2"},
		{"two spans: the nearer", "dd.trace_id=1 dd.span_id=2 dd.span_id=3", "1", "2"},
		{"the same twice", "[dd.trace_id=1 dd.span_id=2] [dd.trace_id=1 dd.span_id=2]", "1", "2"},
		{"colons", "dd.trace_id: 1 dd.span_id: 2", "1", "2"},
		{"the end of a sentence", "see dd.span_id=2 of dd.trace_id=1.", "1", "2"},
		{"part of an address", "GET /x?dd.trace_id=1&dd.span_id=2", "", ""},
	} {
		t.Run(c.who, func(t *testing.T) {
			ld, record := oneRecord()
			record.Body().SetStr(c.text)
			countIDs(t, createDefaultConfig().(*Config), ld)
			wantLD, want := oneRecord()
			want.Attributes().PutStr("dd.trace_id", c.trace)
			want.Attributes().PutStr("dd.span_id", c.span)
			countIDs(t, createDefaultConfig().(*Config), wantLD)
			require.Equal(t, want.TraceID(), record.TraceID())
			require.Equal(t, want.SpanID(), record.SpanID())
			require.Equal(t, c.text, record.Body().Str())
		})
	}
}

// A JSON text is read up to max_body_bytes; a longer one only as text.
func TestLongJSONIsReadAsText(t *testing.T) {
	const body = `{"message":"dd.trace_id=2","dd.trace_id":"1"}`
	for _, c := range []struct {
		max  int
		want string
	}{{len(body), zeros + "0000000000000001"}, {len(body) - 1, zeros + "0000000000000002"}} {
		cfg := createDefaultConfig().(*Config)
		cfg.Logs.Body.MaxBodyBytes = c.max
		ld, record := oneRecord()
		record.Body().SetStr(body)
		countIDs(t, cfg, ld)
		require.Equal(t, traceIDOf(t, c.want), record.TraceID())
	}
}

// Whether a JSON text is worth parsing depends on the names that are looked for.
func TestJSONIsParsedForEverySource(t *testing.T) {
	for _, source := range append(createDefaultConfig().(*Config).Logs.Sources, Source{TraceID: "ctx.trace.id"}) {
		cfg := createDefaultConfig().(*Config)
		cfg.Logs.Sources = []Source{source}
		ld, record := oneRecord()
		record.Body().SetStr(`{"` + source.TraceID + `":"` + hexTrace + `"}`)
		countIDs(t, cfg, ld)
		require.Equal(t, traceIDOf(t, hexTrace), record.TraceID(), source.TraceID)
	}
	require.Equal(t, []string{"race", "@tr"}, newFinder(createDefaultConfig().(*Config).Logs.Sources).hints)
}

func oneRecord() (plog.Logs, plog.LogRecord) {
	ld := plog.NewLogs()
	return ld, ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
}

func traceIDOf(t testing.TB, s string) (id pcommon.TraceID) {
	t.Helper()
	raw, err := hex.DecodeString(s)
	require.NoError(t, err)
	copy(id[:], raw)
	return id
}

func spanIDOf(t testing.TB, s string) (id pcommon.SpanID) {
	t.Helper()
	raw, err := hex.DecodeString(s)
	require.NoError(t, err)
	copy(id[:], raw)
	return id
}
