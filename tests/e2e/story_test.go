package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/ddintake"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/story"
)

// toSink runs the gateway with an OTLP backend; overlay may be empty.
func toSink(t *testing.T, backend *sink.Sink, overlay string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/otlp.yaml", "tests/e2e/testdata/flush-otlp.yaml"},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.Endpoint, "OTEL_EXPORTER_OTLP_HEADERS=x-test=1"},
		Overlay: overlay,
	})
}

func endpoints(c *collector.Collector) story.Endpoints {
	return story.Endpoints{Datadog: c.Datadog, Fluent: c.Fluent, OTLPGRPC: c.OTLPGRPC, OTLPHTTP: c.OTLPHTTP, Env: "e2e"}
}

func traceID(t *testing.T, hexID string) pcommon.TraceID {
	t.Helper()
	raw, err := hex.DecodeString(hexID)
	require.NoError(t, err)
	require.Len(t, raw, 16)
	return pcommon.TraceID(raw)
}

// One order through two dd-trace services and an OpenTelemetry service is one
// trace with one 128-bit id and no dangling parent, and its log lines lie under
// the spans that wrote them.
func TestAnOrderIsOneTraceWithItsLogs(t *testing.T) {
	for _, overHTTP := range []bool{false, true} {
		t.Run(fmt.Sprintf("otlp over http %t", overHTTP), func(t *testing.T) {
			backend := sink.Start(t)
			to := endpoints(toSink(t, backend, ""))
			to.OverHTTP = overHTTP
			hexID, err := story.Play(t.Context(), to)
			require.NoError(t, err)
			id := traceID(t, hexID)
			require.NotZero(t, binary.BigEndian.Uint64(id[:8]), "dd-trace-go makes 128-bit ids")

			byID := map[pcommon.SpanID]sink.Span{}
			backend.WaitFor(t, "the order's spans", func() bool {
				services := map[string]int{}
				for _, span := range backend.Spans() {
					if span.TraceID() == id {
						byID[span.SpanID()] = span
						services[span.Service()]++
					}
				}
				return services[story.Shop] >= 2 && services[story.Inventory] >= 2 && services[story.Ledger] == 2
			})
			roots := 0
			for _, span := range byID {
				if span.ParentSpanID().IsEmpty() {
					roots++
					continue
				}
				require.Contains(t, byID, span.ParentSpanID(), "parent of %s %s", span.Service(), span.Name())
			}
			require.Equal(t, 1, roots)

			var logs []sink.Log
			backend.WaitFor(t, "the order's logs", func() bool {
				logs = nil
				for _, record := range backend.Logs() {
					if record.TraceID() == id {
						logs = append(logs, record)
					}
				}
				return len(logs) == 4
			})
			perSpan := map[pcommon.SpanID]int64{}
			for _, record := range logs {
				require.Contains(t, byID, record.SpanID(), record.Body().AsString())
				perSpan[record.SpanID()]++
				require.Equal(t, "true", sink.Str(record.Attributes(), "trace_linked"), record.Body().AsString())
				require.NotEmpty(t, sink.Str(record.Attributes(), "log.record.original"))
				require.Equal(t, strconv.FormatUint(spanNumber(record.SpanID()), 10), sink.Str(record.Attributes(), "dd.span_id"))
			}
			for spanID, n := range perSpan {
				count, ok := byID[spanID].Attributes().Get("log.count")
				require.True(t, ok, "%s has no log.count", byID[spanID].Name())
				require.Equal(t, n, count.Int(), byID[spanID].Name())
			}
			for _, record := range logs {
				if record.Body().AsString() == "replica is behind" {
					require.Equal(t, "ERROR", strings.ToUpper(record.SeverityText()))
					hasErrors, _ := byID[record.SpanID()].Attributes().Get("log.has_errors")
					require.True(t, hasErrors.Bool())
				}
			}
		})
	}
}

func spanNumber(id pcommon.SpanID) uint64 { return binary.BigEndian.Uint64(id[:]) }

// The same order with only the second --config changed arrives at Datadog as
// dd-trace sent it.
func TestSwappingTheBackendIsSwappingOneFile(t *testing.T) {
	intake := ddintake.Start(t)
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/datadog.yaml"},
		Env:     []string{"DD_API_KEY=" + ddintake.APIKey, "DD_SITE=datadoghq.test", "DD_HOSTNAME=e2e"},
		Overlay: datadogOverlay(intake.URL),
	})
	hexID, err := story.Play(t.Context(), endpoints(c))
	require.NoError(t, err)
	id := traceID(t, hexID)
	low := binary.BigEndian.Uint64(id[8:])

	var order, query *ddintake.Span
	services := map[string]bool{}
	intake.WaitFor(t, "the order's spans", func() bool {
		for _, span := range intake.Spans() {
			if span.TraceID != low {
				continue
			}
			services[span.Service] = true
			switch span.Name {
			case "shop.order":
				order = &span
			case "postgresql.query":
				query = &span
			}
		}
		return order != nil && query != nil && len(services) == 3
	})
	require.Equal(t, story.Shop, order.Service)
	require.Equal(t, "order", order.Resource)
	require.Equal(t, "e2e", order.Env)
	require.Equal(t, int32(1), order.Priority)
	require.Equal(t, story.Inventory, query.Service)
	require.Equal(t, "SELECT stock FROM goods WHERE id = ?", query.Resource, "literals are hidden as the Agent hides them")
	require.Equal(t, "sql", query.Type)
	require.Equal(t, int32(1), query.Priority)
	require.Zero(t, query.Error)

	intake.WaitFor(t, "the order's logs", func() bool {
		n := 0
		for _, entry := range intake.Logs() {
			// As its logger wrote it, whole or the lower half.
			if own := entry["dd.trace_id"]; own == hexID || own == strconv.FormatUint(low, 10) {
				n++
			}
		}
		return n == 4
	})

	status, answer := post(t, "http://"+c.OTLPHTTP+"/v1/metrics", "application/json", []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
		{"name":"orders.open","gauge":{"dataPoints":[{"asInt":"3","timeUnixNano":"`+strconv.FormatInt(time.Now().UnixNano(), 10)+`"}]}}]}]}]}`))
	require.Equal(t, http.StatusOK, status, answer)
	intake.WaitFor(t, "the gauge", func() bool { return slices.Contains(intake.Metrics(), "orders.open") })
}

// datadogOverlay turns every Datadog host into url.
func datadogOverlay(url string) string {
	return fmt.Sprintf(`
exporters:
  datadog_intake:
    endpoint: %[1]q
    sending_queue: {batch: {flush_timeout: 100ms}}
`, url)
}

// A tag of 5 000 runes leaves with as many whole runes as the limit allows.
func TestALongTagIsCutOnARune(t *testing.T) {
	backend := sink.Start(t)
	to := endpoints(toSink(t, backend, "processors: {tag_truncate: {profile: xmtpd}}"))
	to.Tag = strings.Repeat("é", 5000)
	hexID, err := story.Play(t.Context(), to)
	require.NoError(t, err)
	var note string
	backend.WaitFor(t, "the tagged span", func() bool {
		for _, span := range backend.Spans() {
			if span.TraceID() == traceID(t, hexID) && span.Name() == "order" || sink.Str(span.Attributes(), "order.note") != "" {
				note = sink.Str(span.Attributes(), "order.note")
			}
		}
		return note != ""
	})
	require.True(t, utf8.ValidString(note))
	require.Equal(t, strings.Repeat("é", 1024)+"...[truncated]", note)
}
