package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// Spans with 64-bit ids and a tid, and log lines in five spellings, leave with one trace id, whichever pipeline and request they came in.
func TestEverySpellingOfATraceIDLeavesAsOne(t *testing.T) {
	const whole, lower, decimal = "6a70aa950000000042f4b7ad16a3d8df", "000000000000000042f4b7ad16a3d8df", "4824683054857705695"
	backend := sink.Start(t)
	c := toSink(t, backend, `processors: {dd_propagation: {trace_id_cache: {share_with_logs: true}}}`)
	send := func(signal, body string) {
		status, answer := post(t, "http://"+c.OTLPHTTP+"/v1/"+signal, "application/json", []byte(body))
		require.Equal(t, http.StatusOK, status, answer)
	}
	span := func(id, attributes string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"` + lower + `","spanId":"` + id + `","name":"` + id + `","attributes":[` + attributes + `]}]}]}]}`
	}
	send("traces", span("00000000000000b1", `{"key":"_dd.p.tid","value":{"stringValue":"6a70aa9500000000"}}`))
	send("traces", span("00000000000000b2", ""))
	backend.WaitFor(t, "both spans", func() bool { return len(backend.Spans()) == 2 })
	for _, s := range backend.Spans() {
		require.Equal(t, traceID(t, whole), s.TraceID(), s.Name())
	}

	text := func(s string) string { return `{"body":{"stringValue":"` + s + `"}}` }
	send("logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[`+
		text(`[dd.service=cart dd.trace_id=`+decimal+` dd.span_id=177] a text`)+`,`+
		text(`{\"event\":\"structlog\",\"dd.trace_id\":\"`+whole+`\",\"dd.span_id\":\"177\"}`)+`,`+
		text(`{\"msg\":\"zap\",\"dd.trace_id\":`+decimal+`,\"dd.span_id\":177}`)+`,`+
		text(`{\"msg\":\"pino\",\"dd\":{\"trace_id\":\"`+decimal+`\",\"span_id\":\"177\"}}`)+`,`+
		`{"body":{"stringValue":"an attribute"},"attributes":[{"key":"mdc","value":{"kvlistValue":{"values":[`+
		`{"key":"dd.trace_id","value":{"stringValue":"`+decimal+`"}},{"key":"dd.span_id","value":{"stringValue":"177"}}]}}}]}`+
		`]}]}]}`)
	backend.WaitFor(t, "the logs", func() bool { return len(backend.Logs()) == 5 })
	for _, record := range backend.Logs() {
		require.Equal(t, traceID(t, whole), record.TraceID(), record.Body().AsString())
		require.Equal(t, uint64(177), spanNumber(record.SpanID()), record.Body().AsString())
	}
	require.Contains(t, c.Scrape(), "otelcol_processor_dd_propagation_cache_hits")
}
