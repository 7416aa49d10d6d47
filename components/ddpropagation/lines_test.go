package ddpropagation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// Every line of testdata/lines.jsonl, as loggers, frameworks and container runtimes write them, gets the ids beside it, and no others.
func TestLinesOfLoggers(t *testing.T) {
	file, err := os.Open("testdata/lines.jsonl")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); lines++ {
		var c struct{ Name, Line, Trace, Span string }
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &c))
		ld, record := oneRecord()
		record.Body().SetStr(c.Line)
		require.NoError(t, oursLogs(t, createDefaultConfig().(*Config)).ConsumeLogs(t.Context(), ld))
		require.Equal(t, traceIDOf(t, c.Trace), record.TraceID(), c.Name)
		require.Equal(t, spanIDOf(t, c.Span), record.SpanID(), c.Name)
		require.Equal(t, c.Line, record.Body().Str(), c.Name)
	}
	require.Equal(t, 45, lines)
}

// What a message quotes is not the record's own, when the record says that it has no span.
func TestAPlaceholderEndsTheSearch(t *testing.T) {
	for _, none := range []any{"0", "", nil, "00000000000000000000000000000000"} {
		ld, record := oneRecord()
		record.Body().SetStr("user sent dd.trace_id=1 dd.span_id=2")
		require.NoError(t, record.Attributes().FromRaw(map[string]any{"dd.trace_id": none, "dd.span_id": none}))
		require.NoError(t, oursLogs(t, createDefaultConfig().(*Config)).ConsumeLogs(t.Context(), ld))
		require.True(t, record.TraceID().IsEmpty())
	}
}

// Ten thousand lines of systems and servers, full of hashes, UUIDs, addresses and the word trace, have no id.
func TestSystemLogsHaveNoIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	hex := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789abcdef"[r.IntN(16)])
		}
		return b.String()
	}
	templates := []func() string{
		func() string {
			return fmt.Sprintf("Nov 27 10:00:00 node-%d kernel: [%d.%06d] oom-kill: task=java,pid=%d,trace=%s", r.IntN(9), r.IntN(9999), r.IntN(999999), r.IntN(99999), hex(32))
		},
		func() string {
			return fmt.Sprintf("containerd: StopContainer for %q with timeout 30 (s) span=%s", hex(64), hex(16))
		},
		func() string {
			return fmt.Sprintf(`10.0.0.%d - - [27/Nov/2026:10:00:00 +0000] "GET /trace/%s?trace_id=%s&span_id=%s HTTP/1.1" 200 %d`, r.IntN(255), hex(32), hex(32), hex(16), r.IntN(9999))
		},
		func() string {
			return fmt.Sprintf("E1127 10:00:00.%06d 1 trace.go:205] Trace[%d]: \"List\" url:/api/v1/pods,user-agent:kubectl,audit-id:%s", r.IntN(999999), r.IntN(1<<30), hex(32))
		},
		func() string { return fmt.Sprintf("Traceback (most recent call last): [%s,%s]", hex(32), hex(16)) },
		func() string {
			return fmt.Sprintf("commit %s by jane, tree [%s, %s, %s]", hex(40), hex(32), hex(16), hex(8))
		},
		func() string {
			return fmt.Sprintf("request_id=%s trace_id=%s-%s span=%s", hex(32), hex(8), hex(24), hex(16))
		},
		func() string { return fmt.Sprintf("my_trace_id=%s my_span_id=%s", hex(32), hex(16)) },
		func() string {
			return fmt.Sprintf("2026-11-27 10:00:00 UTC [%d] LOG: duration: %d ms statement: SELECT dd_trace_id FROM t WHERE trace_id = '%s'", r.IntN(9999), r.IntN(99), hex(32))
		},
		func() string { return fmt.Sprintf("[auth,%s] session %s opened", hex(32), hex(16)) },
		func() string {
			return fmt.Sprintf(`{"level":"info","msg":"trace %s ended","etag":"%s","digest":"sha256:%s"}`, hex(32), hex(32), hex(64))
		},
		func() string { return fmt.Sprintf("traceparent=00-%s-%s missing flags", hex(32), hex(16)) },
	}
	p := oursLogs(t, createDefaultConfig().(*Config))
	for range 10_000 {
		line := templates[r.IntN(len(templates))]()
		ld, record := oneRecord()
		record.Body().SetStr(line)
		require.NoError(t, p.ConsumeLogs(t.Context(), ld))
		require.True(t, record.TraceID().IsEmpty(), line)
		require.True(t, record.SpanID().IsEmpty(), line)
	}
}

func TestReadingTextDoesNotAllocate(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() {
		ddid.FindInText(plainLine)
		ddid.FindInText("\x1b[36mdd.trace_id\x1b[0m=\x1b[35m1\x1b[0m dd.span_id=2.")
		ddid.FindInText("2026-11-27 10:00:00.1  INFO [shop," + hexTrace + "," + spanHex + "] 1 --- [main] c.Main : hello")
	}))
}

const plainLine = "2026-11-27 10:00:00,123 INFO [shop.orders] [orders.py:73] [worker-4] - order 123456 of customer 987654 was placed: 3 items, 59.97 EUR, payment by card, delivery on Monday between 8 and 12 o'clock, voucher"

func BenchmarkText(b *testing.B) {
	for name, line := range map[string]string{
		"no_ids":  plainLine,
		"python":  "[dd.service=a dd.env=b dd.version=1 dd.trace_id=" + hexTrace + " dd.span_id=" + spanDec + "] - " + plainLine,
		"hostile": strings.Repeat("dd.trace_id=", 64<<10/12),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ddid.FindInText(line)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[36mdd.trace_id\x1b[0m=1 dd.span_id=2.")
	f.Add(`{\"dd.trace_id\":\"1\"`)
	f.Add("[shop," + hexTrace + "," + spanHex + "]")
	f.Fuzz(func(t *testing.T, text string) {
		ids := ddid.FindInText(text)
		require.Contains(t, text, ids.Trace)
		require.Contains(t, text, ids.Span)
		require.Equal(t, ids.Form == ddid.NoForm, ids == ddid.TextIDs{})
	})
}
