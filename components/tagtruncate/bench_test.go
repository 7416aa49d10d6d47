package tagtruncate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/tagtruncate/internal/metadata"
)

const (
	benchSpans = 1000
	benchLimit = 128
)

// benchTraces are 1 000 spans of 16 attributes with values of n bytes.
func benchTraces(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for range benchSpans {
		span := spans.AppendEmpty()
		span.SetName("GET /cart")
		for i := range 16 {
			span.Attributes().PutStr(fmt.Sprintf("attribute.%d", i), strings.Repeat("0123456789abcdef", n/16+1)[:n])
		}
	}
	return td
}

// BenchmarkTruncate compares this processor with the transform processor doing
// truncate_all and limit, and with the bare loop over the attributes.
func BenchmarkTruncate(b *testing.B) {
	for _, c := range []struct {
		name       string
		bytes      int
		attributes int
	}{
		{"untouched", 24, 16},
		{"values", 256, 16}, // all values are too long
		{"all", 256, 8},     // and there are twice too many of them
	} {
		td := benchTraces(c.bytes)
		b.Run(c.name+"/floor", func(b *testing.B) { floor(b, td, c.bytes > benchLimit) })
		limits := map[string]any{"max_value": benchLimit, "max_attributes": c.attributes}
		for _, ours := range []struct {
			name     string
			settings map[string]any
		}{
			// truncate_all counts bytes and does not look at what it keeps.
			{"ours", map[string]any{"all": limits, "unit": "bytes", "invalid_utf8": "keep"}},
			{"ours_by_default", map[string]any{"all": limits}},
			{"ours_repair_all", map[string]any{"all": limits, "invalid_utf8": "repair_all"}},
		} {
			b.Run(c.name+"/"+ours.name, func(b *testing.B) {
				run(b, td, c.bytes > benchLimit, newOurs(b, ours.settings))
			})
		}
		b.Run(c.name+"/ottl", func(b *testing.B) { run(b, td, c.bytes > benchLimit, newOTTL(b, c.attributes)) })
	}
}

func newOurs(b *testing.B, settings map[string]any) processor.Traces {
	cfg := createDefaultConfig()
	require.NoError(b, confmap.NewFromStringMap(settings).Unmarshal(cfg))
	p, err := NewFactory().CreateTraces(b.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(b, err)
	return p
}

func newOTTL(b *testing.B, attributes int) processor.Traces {
	factory := transformprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(b, confmap.NewFromStringMap(map[string]any{
		"trace_statements": []any{map[string]any{"context": "span", "statements": []any{
			fmt.Sprintf("truncate_all(attributes, %d)", benchLimit), fmt.Sprintf("limit(attributes, %d, [])", attributes),
		}}},
	}).Unmarshal(cfg))
	p, err := factory.CreateTraces(b.Context(), processortest.NewNopSettings(factory.Type()), cfg, consumertest.NewNop())
	require.NoError(b, err)
	return p
}

// run consumes td again and again; when it is changed on the way each round
// gets a copy, made while the clock stands.
func run(b *testing.B, td ptrace.Traces, changed bool, p processor.Traces) {
	b.ReportAllocs()
	for b.Loop() {
		batch := td
		if changed {
			b.StopTimer()
			batch = ptrace.NewTraces()
			td.CopyTo(batch)
			b.StartTimer()
		}
		if err := p.ConsumeTraces(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans, "ns/span")
}

// floor is the least any processor must do: look at the length of every string,
// and set those that are too long.
func floor(b *testing.B, td ptrace.Traces, changed bool) {
	b.ReportAllocs()
	for b.Loop() {
		batch := td
		if changed {
			b.StopTimer()
			batch = ptrace.NewTraces()
			td.CopyTo(batch)
			b.StartTimer()
		}
		for _, rs := range batch.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					for _, v := range span.Attributes().All() {
						if v.Type() == pcommon.ValueTypeStr && len(v.Str()) > benchLimit {
							v.SetStr(v.Str()[:benchLimit])
						}
					}
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans, "ns/span")
}
