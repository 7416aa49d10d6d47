package datadogrumreceiver

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// An attribute of one event is not left in the next, whatever takes its place.
func TestSharedAttributesAreReplaced(t *testing.T) {
	values := []string{`"text"`, `7`, `7.5`, `true`, `null`, `""`, `"https://a.example/?q=1"`, `18446744073709551616`}
	want := []any{"text", int64(7), 7.5, true, nil, "", "https://a.example/?q=REDACTED", "18446744073709551616"}
	for first := range values {
		g := newRig(t, keepRaw)
		var lines []string
		for i := range values {
			value := values[(first+i)%len(values)]
			lines = append(lines,
				fmt.Sprintf(`{"type":"x","date":1795168790000,"application":{"id":"a"},"n":%d,"value":%s}`, i, value),
				fmt.Sprintf(`{"type":"x","date":1795168790000,"application":{"id":"a"},"n":%d,"value":{"deep":%s,"list":[%s]}}`, i, value, value))
		}
		require.False(t, g.rum.convert(t.Context(), strings.Join(lines, "\n"), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}).Retry)
		for i, lr := range g.records() {
			value := want[(first+i/2)%len(values)]
			attrs := map[string]any{"datadog.type": "x", "rum.application.id": "a", "datadog.n": int64(i / 2)}
			if i%2 == 0 {
				attrs["datadog.value"] = value
			} else {
				attrs["datadog.value.deep"], attrs["datadog.value.list"] = value, []any{value}
			}
			require.Equal(t, attrs, lr.Attributes().AsRaw())
		}
	}
}

// What an ingest has seen before shows in nothing it writes: every line of every
// story becomes what it becomes in a new one, whichever line came before it.
func TestAnEventIsWrittenAsIfItWereTheFirst(t *testing.T) {
	lines := goldenLines(t)
	from := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
	written := func(in *ingest, body string) (out []string) {
		t.Helper()
		traces, logs := new(consumertest.TracesSink), new(consumertest.LogsSink)
		in.out.traces, in.out.logs = traces, logs
		require.False(t, in.run(t.Context(), body, from).Retry)
		for _, td := range traces.AllTraces() {
			out = append(out, asJSON(t, func() ([]byte, error) { return (&ptrace.JSONMarshaler{}).MarshalTraces(td) }))
		}
		for _, ld := range logs.AllLogs() {
			out = append(out, asJSON(t, func() ([]byte, error) { return (&plog.JSONMarshaler{}).MarshalLogs(ld) }))
		}
		return out
	}
	want := make([][]string, len(lines))
	for i, line := range lines {
		in, _ := newConverter(t)
		want[i] = written(in, line)
	}
	warm, forget := newConverter(t)
	order := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		for _, i := range order.Perm(len(lines)) {
			forget()
			require.Equal(t, want[i], written(warm, lines[i]), lines[i])
			require.True(t, warm.forget())
			warm.batch.Now = testNow
		}
	}
}

func asJSON(t *testing.T, marshal func() ([]byte, error)) string {
	t.Helper()
	raw, err := marshal()
	require.NoError(t, err)
	return string(raw)
}
