package queue

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/request"
)

func encoded(t testing.TB) []byte {
	t.Helper()
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a record")
	b, err := request.MarshalLogs(context.Background(), ld)
	require.NoError(t, err)
	return b
}

func TestCountItemsReadsEachSignal(t *testing.T) {
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("a")
	md := pmetric.NewMetrics()
	md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(1)
	traces, err := request.MarshalTraces(t.Context(), td)
	require.NoError(t, err)
	metrics, err := request.MarshalMetrics(t.Context(), md)
	require.NoError(t, err)
	plain, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	for signal, value := range map[string][]byte{"traces": traces, "metrics": metrics, "logs": encoded(t), "profiles": {1}} {
		n, err := CountItems(signal, value)
		require.NoError(t, err, signal)
		require.Equal(t, 1, n, signal)
	}
	n, err := CountItems("traces", plain)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the format before v0.132 has no context around the data")
	for _, signal := range []string{"traces", "metrics", "logs"} {
		_, err := CountItems(signal, []byte("garbled \xff\xff\xff"))
		require.Error(t, err, signal)
	}
}

func FuzzCountItems(f *testing.F) {
	f.Add(encoded(f))
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, signal := range []string{"traces", "metrics", "logs"} {
			_, _ = CountItems(signal, b)
		}
	})
}
