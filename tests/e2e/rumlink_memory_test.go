package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// Ten times what the store may hold is taken by a small collector, every
// span and every error log of it different: the process stays within limit_mib
// and a fifth, and what it refuses it refuses so that the sender can retry.
func TestRumLinkUnderOverloadTheProcessStaysWithinItsLimit(t *testing.T) {
	t.Run("nothing waits", func(t *testing.T) { overloaded(t, "0s") })
	t.Run("both signals wait", func(t *testing.T) { overloaded(t, "1m") })
}

func overloaded(t *testing.T, wait string) {
	const limit, storeBytes = 256 << 20, 16 << 20
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/otlp.yaml"},
		Env: []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS=x-test=1",
			"OTELCOL_OBS_MEMORY_MIB=256", "OTELCOL_OBS_MEMORY_SPIKE_MIB=64", "GOMEMLIMIT=273MiB", // the chart's proportions
		},
		Overlay: fmt.Sprintf(`
processors: {rum_link: {store: {max_entries: 10000000, max_bytes: %d}, logs: {wait: %s, wait_for: unknown_span}, spans: {wait: %s}}}
exporters: {nop: }
service: {pipelines: {traces: {exporters: [nop]}, logs: {exporters: [nop]}}}
`, storeBytes, wait, wait),
	})
	conn, err := grpc.NewClient(c.OTLPGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	spans, logs := ptraceotlp.NewGRPCClient(conn), plogotlp.NewGRPCClient(conn)

	accepted, refused := 0, 0
	stack := strings.Repeat("at com.example.Cart.show(Cart.java:17) ", 25)
	for batch := 0; accepted < 10*storeBytes; batch++ {
		require.Less(t, batch, 10_000, "the collector refuses for good")
		ld, td := overload(batch, stack)
		size := (&plog.ProtoMarshaler{}).LogsSize(ld) + (&ptrace.ProtoMarshaler{}).TracesSize(td)
		_, err := logs.Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
		if err == nil {
			_, err = spans.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
		}
		if err != nil {
			require.Contains(t, []codes.Code{codes.Unavailable, codes.ResourceExhausted}, status.Code(err), err)
			refused++
			continue
		}
		accepted += size
	}
	peak := peakMemory(t, c)
	t.Logf("accepted %d MiB, %d batches refused, peak %d MiB of %d MiB", accepted>>20, refused, peak>>20, limit>>20)
	require.Regexp(t, `otelcol_processor_rum_link_evictions(_total)?\{[^}]*reason="capacity"[^}]*\} [1-9]`, c.Scrape(), "the store was never full")
	require.LessOrEqual(t, float64(peak), 1.2*limit)
}

// overload is a batch of logs and one of spans, each of a trace of its own.
func overload(batch int, stack string) (plog.Logs, ptrace.Traces) {
	const n = 500
	ld, td := plog.NewLogs(), ptrace.NewTraces()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := batch * n; i < (batch+1)*n; i++ {
		trace := fullID(0x67, uint64(i+1))
		var id pcommon.SpanID
		binary.BigEndian.PutUint64(id[:], uint64(i+1))
		lr := records.AppendEmpty()
		lr.SetTimestamp(pcommon.Timestamp(i))
		lr.SetSeverityNumber(plog.SeverityNumberError)
		lr.SetTraceID(trace)
		lr.SetSpanID(id)
		lr.Body().SetStr(fmt.Sprint("no cart ", i))
		lr.Attributes().PutStr("exception.stacktrace", fmt.Sprint(i, " ", stack))
		span := spans.AppendEmpty()
		span.SetTraceID(trace)
		span.SetSpanID(id)
		span.SetName(fmt.Sprint("GET /cart/", i))
		span.Attributes().PutStr("session.id", fmt.Sprint("session ", i))
	}
	return ld, td
}

// peakMemory is the most that was resident of the process at one time, the
// pages of its binary included.
func peakMemory(t *testing.T, c *collector.Collector) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid()))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "VmHWM:")
	require.True(t, ok)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(t, err)
	return kib << 10
}
