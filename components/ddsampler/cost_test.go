package ddsampler

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

// tracedBatch is what a tracer sends: spans of 16 attributes, the sampling ones among them.
func tracedBatch(traces, spans int) ptrace.Traces {
	td := ptrace.NewTraces()
	for trace := range traces {
		for range spans {
			span := addSpan(td, uint64(trace)*977+1, 1.0)
			span.Attributes().PutStr("_dd.p.dm", "-4")
			for i := range 14 {
				span.Attributes().PutStr(fmt.Sprintf("http.header.number_%d", i), "value")
			}
		}
	}
	return td
}

func newSampler(t testing.TB, cfg *Config) *traceSampler {
	set := processortest.NewNopSettings(typ)
	set.TelemetrySettings = componenttest.NewNopTelemetrySettings()
	s, err := newShared(set, cfg)
	require.NoError(t, err)
	return newTraceSampler(s, cfg)
}

// Ten thousand traces in one batch leave about a megabyte behind, and ten times as many leave nothing.
func TestScratchIsBounded(t *testing.T) {
	p := newSampler(t, createDefaultConfig().(*Config))
	var b scratch
	for _, td := range []ptrace.Traces{tracedBatch(100_000, 1)} {
		for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			b.Add(span, 1)
		}
	}
	p.release(&b)
	require.Zero(t, cap(b.Traces))
}

func BenchmarkTraces(b *testing.B) {
	for _, shape := range []struct {
		name          string
		traces, spans int
	}{{"spans_of_10", 100, 10}, {"spans_of_1", 1000, 1}, {"one_trace", 1, 1000}} {
		b.Run(shape.name, func(b *testing.B) {
			p := newSampler(b, createDefaultConfig().(*Config))
			td := tracedBatch(shape.traces, shape.spans)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = p.processTraces(b.Context(), td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/span")
		})
	}
	b.Run("bare_walk", func(b *testing.B) {
		td := tracedBatch(100, 10)
		n := 0
		for b.Loop() {
			for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				for key := range span.Attributes().All() {
					n += len(key)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/span")
	})
}
