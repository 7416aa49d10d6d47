package ddpropagation

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Pipelines of one component work at the same time on one cache, small enough that they keep pushing each other's entries out.
func TestPipelinesRunConcurrently(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.TraceIDCache.ShareWithLogs = true
	cfg.TraceIDCache.MaxEntries = 10
	c := newCollector(t, cfg)
	traces, logs := c.traces(t), c.logs(t)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 50 {
				td := ptrace.NewTraces()
				for j := range 20 {
					lower := traceIDOf(t, zeros+low1)
					lower[15] = byte(worker*i + j)
					span := addSpan(t, td, "", tidA)
					span.SetTraceID(lower)
					other := addSpan(t, td, "", "")
					lower[14]++
					other.SetTraceID(lower)
				}
				if err := traces.ConsumeTraces(t.Context(), td); err != nil {
					t.Error(err)
				}
				ld, record := oneRecord()
				record.Attributes().PutStr("dd.trace_id", traceDec)
				if err := logs.ConsumeLogs(t.Context(), ld); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					c.value(t, "cache_size")
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, c.value(t, "cache_size"), int64(10))
	require.EqualValues(t, 4*50*40, c.value(t, "ids", label("signal", "traces"))-c.value(t, "ids", label("outcome", "tid_collision")), "every span once")
}
