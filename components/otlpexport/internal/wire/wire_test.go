package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	xrequest "go.opentelemetry.io/collector/pdata/xpdata/request"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// someTraces has 0 to 3 resources, of 0 to 3 scopes, of 0 to 8 spans each.
func someTraces(r *rand.Rand) ptrace.Traces {
	td := ptrace.NewTraces()
	for range r.IntN(4) {
		rs := td.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl("https://example.com/" + letters(r))
		rs.Resource().Attributes().PutStr("service.name", letters(r))
		for range r.IntN(4) {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(letters(r))
			for range r.IntN(9) {
				span := ss.Spans().AppendEmpty()
				span.SetName(letters(r))
				span.SetSpanID(pcommon.SpanID(binary.BigEndian.AppendUint64(nil, r.Uint64())))
				span.Attributes().PutInt("n", r.Int64N(1000))
				if r.IntN(3) == 0 {
					span.Events().AppendEmpty().SetName(letters(r))
				}
			}
		}
	}
	return td
}

func someMetrics(r *rand.Rand) pmetric.Metrics {
	md := pmetric.NewMetrics()
	for range 1 + r.IntN(2) {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", letters(r))
		sm := rm.ScopeMetrics().AppendEmpty()
		for i := range r.IntN(8) {
			m := sm.Metrics().AppendEmpty()
			m.SetName(fmt.Sprint("metric", i))
			m.SetUnit("1")
			switch r.IntN(6) {
			case 0:
				m.SetEmptyGauge()
				fillNumbers(r, m.Gauge().DataPoints())
			case 1:
				m.SetEmptySum().SetIsMonotonic(true)
				m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				fillNumbers(r, m.Sum().DataPoints())
			case 2:
				for range r.IntN(5) {
					m.SetEmptyHistogram().DataPoints().AppendEmpty().SetCount(r.Uint64N(9))
				}
			case 3:
				for range r.IntN(5) {
					m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().SetCount(r.Uint64N(9))
				}
			case 4:
				for range r.IntN(5) {
					m.SetEmptySummary().DataPoints().AppendEmpty().SetCount(r.Uint64N(9))
				}
			} // else no data
		}
	}
	return md
}

func fillNumbers(r *rand.Rand, points pmetric.NumberDataPointSlice) {
	for range r.IntN(6) {
		points.AppendEmpty().SetIntValue(r.Int64N(100))
	}
}

func letters(r *rand.Rand) string {
	return string(bytes.Repeat([]byte{byte('a' + r.IntN(26))}, 1+r.IntN(200)))
}

func encoded(t testing.TB, td ptrace.Traces) []byte {
	t.Helper()
	b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return b
}

// spansOf lists what is around each span with it: the same list is the same data.
func spansOf(td ptrace.Traces) (list []string) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				list = append(list, fmt.Sprint(rs.SchemaUrl(), rs.Resource().Attributes().AsRaw(), ss.Scope().Name(), s.Name(), s.SpanID(), s.Attributes().AsRaw(), s.Events().Len()))
			}
		}
	}
	return list
}

func pointsOf(t *testing.T, md pmetric.Metrics) (list []string) {
	t.Helper()
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				around := fmt.Sprint(rm.Resource().Attributes().AsRaw(), m.Name(), m.Unit(), m.Type())
				switch m.Type() {
				case pmetric.MetricTypeGauge:
					for _, p := range m.Gauge().DataPoints().All() {
						list = append(list, fmt.Sprint(around, p.IntValue()))
					}
				case pmetric.MetricTypeSum:
					for _, p := range m.Sum().DataPoints().All() {
						list = append(list, fmt.Sprint(around, m.Sum().IsMonotonic(), m.Sum().AggregationTemporality(), p.IntValue()))
					}
				case pmetric.MetricTypeHistogram:
					for _, p := range m.Histogram().DataPoints().All() {
						list = append(list, fmt.Sprint(around, p.Count()))
					}
				case pmetric.MetricTypeExponentialHistogram:
					for _, p := range m.ExponentialHistogram().DataPoints().All() {
						list = append(list, fmt.Sprint(around, p.Count()))
					}
				case pmetric.MetricTypeSummary:
					for _, p := range m.Summary().DataPoints().All() {
						list = append(list, fmt.Sprint(around, p.Count()))
					}
				case pmetric.MetricTypeEmpty:
				}
			}
		}
	}
	return list
}

func TestItemsAreCountedAsPdataCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		td := someTraces(r)
		n, err := otlpwire.Traces.Count(encoded(t, td))
		require.NoError(t, err)
		require.Equal(t, td.SpanCount(), n)

		md := someMetrics(r)
		b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		require.NoError(t, err)
		n, err = otlpwire.Metrics.Count(b)
		require.NoError(t, err)
		require.Equal(t, md.DataPointCount(), n)
	}
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("x")
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	n, err := otlpwire.Logs.Count(b)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// Whatever is merged and cut, the same spans leave in the same order, in parts that
// are within the limit; by items all parts but the last are full.
func TestMergedAndCutRequestsHoldTheSameSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var req xexporterhelper.Request
		var want []string
		for range 1 + r.IntN(3) {
			td := someTraces(r)
			want = append(want, spansOf(td)...)
			next, err := Converter{}.Traces(t.Context(), td)
			require.NoError(t, err)
			if req == nil {
				req = next
				continue
			}
			merged, err := req.MergeSplit(t.Context(), 0, exporterhelper.RequestSizerTypeItems, next)
			require.NoError(t, err)
			require.Len(t, merged, 1)
			req = merged[0]
		}
		require.Equal(t, len(want), req.ItemsCount())
		byBytes := r.IntN(2) == 0
		most, sizer := 1+r.IntN(12), exporterhelper.RequestSizerTypeItems
		if byBytes {
			most, sizer = 1+r.IntN(3000), exporterhelper.RequestSizerTypeBytes
		}
		parts, err := req.MergeSplit(t.Context(), most, sizer, nil)
		require.NoError(t, err)
		var got []string
		for i, p := range parts {
			td := decodeTraces(t, p)
			require.Equal(t, td.SpanCount(), p.ItemsCount())
			if byBytes {
				require.True(t, p.BytesSize() <= most || p.ItemsCount() <= 1, "%d bytes in a part of at most %d", p.BytesSize(), most)
			} else if i < len(parts)-1 {
				require.Equal(t, most, p.ItemsCount())
			} else {
				require.LessOrEqual(t, p.ItemsCount(), most)
			}
			got = append(got, spansOf(td)...)
		}
		require.Equal(t, want, got)
	}
}

func decodeTraces(t testing.TB, req xexporterhelper.Request) ptrace.Traces {
	t.Helper()
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(bytes.Join(req.(*Request).Chunks(), nil))
	require.NoError(t, err)
	return td
}

func TestAMetricThatIsCutKeepsItsFields(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		md := someMetrics(r)
		want := pointsOf(t, md)
		req, err := Converter{}.Metrics(t.Context(), md)
		require.NoError(t, err)
		parts, err := req.MergeSplit(t.Context(), 1+r.IntN(4), exporterhelper.RequestSizerTypeItems, nil)
		require.NoError(t, err)
		var got []string
		for _, p := range parts {
			part, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(bytes.Join(p.(*Request).Chunks(), nil))
			require.NoError(t, err)
			got = append(got, pointsOf(t, part)...)
		}
		require.Equal(t, want, got)
	}
}

// A field that today's OTLP does not have is sent on, in every part that it surrounds.
func TestUnknownFieldsSurviveACut(t *testing.T) {
	span := func(name string) []byte { return otlpwire.AppendMessage(nil, 5, []byte(name)) }
	unknown := otlpwire.AppendMessage(nil, 1000, []byte("new"))
	scope := append(append(otlpwire.AppendMessage(nil, 2, span("a")), unknown...), otlpwire.AppendMessage(nil, 2, append(span("b"), unknown...))...)
	data := otlpwire.AppendMessage(nil, 1, otlpwire.AppendMessage(nil, 2, scope), unknown)
	parts, err := split(otlpwire.Traces, [][]byte{data}, limit{size: 1})
	require.NoError(t, err)
	require.Len(t, parts, 2)
	require.Equal(t, 2, bytes.Count(parts[0].data, unknown))
	require.Equal(t, 3, bytes.Count(parts[1].data, unknown))
}

func TestWhatIsNoOTLPStaysWhole(t *testing.T) {
	for name, stored := range map[string][]byte{
		"text":               []byte("no protobuf at all"),
		"announces 2^60":     {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"group":              {0x0b, 0x0c},
		"field 0":            {0x02, 0x00},
		"ends in a varint":   {0x0a, 0x80},
		"overlong varint":    {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"child beyond end":   {0x0a, 0x02, 0x12, 0x05},
		"envelope, cut":      {0x0d, 1, 0, 0, 0, 0x1a, 0x20, 1},
		"envelope of nobody": {0x0d, 2, 0, 0, 0, 0x1a, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, req, err := Encoding{otlpwire.Traces}.Unmarshal(stored)
			require.NoError(t, err)
			require.Positive(t, req.ItemsCount())
			parts, err := req.MergeSplit(t.Context(), 1, exporterhelper.RequestSizerTypeBytes, nil)
			require.NoError(t, err)
			require.Len(t, parts, 1)
			require.Equal(t, stored, bytes.Join(parts[0].(*Request).Chunks(), nil))
			again, err := Encoding{otlpwire.Traces}.Marshal(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, stored, again)
		})
	}
}

// A queue's file can change its exporter, in both directions and from older ones.
func TestTheQueueIsReadByCoreAndOursReadsIts(t *testing.T) {
	core := xexporterhelper.NewTracesQueueBatchSettings().Encoding
	td := someTraces(rand.New(rand.NewPCG(7, 8)))
	want := spansOf(td)
	ctx := client.NewContext(t.Context(), client.Info{
		Addr:     &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711},
		Metadata: client.NewMetadata(map[string][]string{"x-tenant": {"acme"}}),
	})

	ours, err := Converter{KeepClient: true}.Traces(ctx, td)
	require.NoError(t, err)
	stored, err := Encoding{otlpwire.Traces}.Marshal(ctx, ours)
	require.NoError(t, err)
	theirCtx, their, err := core.Unmarshal(stored)
	require.NoError(t, err)
	require.Equal(t, len(want), their.ItemsCount())
	require.Equal(t, []string{"acme"}, client.FromContext(theirCtx).Metadata.Get("x-tenant"))

	stored, err = core.Marshal(ctx, their)
	require.NoError(t, err)
	ourCtx, again, err := Encoding{otlpwire.Traces}.Unmarshal(stored)
	require.NoError(t, err)
	require.Equal(t, want, spansOf(decodeTraces(t, again)))
	require.Equal(t, []string{"acme"}, client.FromContext(ourCtx).Metadata.Get("x-tenant"))
	require.Equal(t, "192.0.2.7:4711", client.FromContext(ourCtx).Addr.String())

	_, bare, err := Encoding{otlpwire.Traces}.Unmarshal(encoded(t, td))
	require.NoError(t, err)
	require.Equal(t, want, spansOf(decodeTraces(t, bare)))
}

// Merged requests are stored only by a queue behind a batcher; it reads them again.
func TestAMergedRequestCanBeStored(t *testing.T) {
	td := someTraces(rand.New(rand.NewPCG(9, 10)))
	a, err := Converter{}.Traces(t.Context(), td)
	require.NoError(t, err)
	b, err := Converter{}.Traces(t.Context(), td)
	require.NoError(t, err)
	merged, err := a.MergeSplit(t.Context(), 0, exporterhelper.RequestSizerTypeItems, b)
	require.NoError(t, err)
	stored, err := Encoding{otlpwire.Traces}.Marshal(t.Context(), merged[0])
	require.NoError(t, err)
	_, again, err := Encoding{otlpwire.Traces}.Unmarshal(stored)
	require.NoError(t, err)
	require.Equal(t, append(spansOf(td), spansOf(td)...), spansOf(decodeTraces(t, again)))
}

// A client's address and tokens are not written to disk unless they are needed.
func TestTheClientIsNotStored(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, Remote: true})
	ctx := client.NewContext(trace.ContextWithSpanContext(t.Context(), span), client.Info{
		Addr:     &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711},
		Metadata: client.NewMetadata(map[string][]string{"authorization": {"Bearer secret"}}),
	})
	req, err := Converter{}.Traces(ctx, someTraces(rand.New(rand.NewPCG(11, 12))))
	require.NoError(t, err)
	stored, err := Encoding{otlpwire.Traces}.Marshal(ctx, req)
	require.NoError(t, err)
	require.NotContains(t, string(stored), "secret")
	require.NotContains(t, string(stored), string([]byte{192, 0, 2, 7}))
	restored, _, err := xrequest.UnmarshalTraces(stored)
	require.NoError(t, err)
	require.Equal(t, span, trace.SpanContextFromContext(restored))
	ours, _, err := Encoding{otlpwire.Traces}.Unmarshal(stored)
	require.NoError(t, err)
	require.Equal(t, span, trace.SpanContextFromContext(ours))
}

func TestReadingAQueuedRequestCostsAFewAllocations(t *testing.T) {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 1000 {
		spans.AppendEmpty().SetName("GET /")
	}
	req, err := Converter{}.Traces(context.Background(), td)
	require.NoError(t, err)
	stored, err := Encoding{otlpwire.Traces}.Marshal(context.Background(), req)
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		if _, r, _ := (Encoding{otlpwire.Traces}).Unmarshal(stored); r.ItemsCount() != 1000 {
			t.Fatal("lost spans")
		}
	}), 3.0)
}

// Any bytes can lie in a queue's file.
func FuzzQueuedBytes(f *testing.F) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 5 {
		f.Add(encoded(f, someTraces(r)), 3, false)
	}
	f.Add([]byte{0x0d, 1, 0, 0, 0, 0x1a, 2, 0x0a, 0, 0x12, 0}, 1, true)
	f.Fuzz(func(t *testing.T, stored []byte, most int, inBytes bool) {
		for _, s := range []*otlpwire.Signal{otlpwire.Traces, otlpwire.Metrics} {
			_, req, err := Encoding{s}.Unmarshal(stored)
			require.NoError(t, err)
			sizer := exporterhelper.RequestSizerTypeItems
			if inBytes {
				sizer = exporterhelper.RequestSizerTypeBytes
			}
			parts, err := req.MergeSplit(t.Context(), most, sizer, nil)
			require.NoError(t, err)
			items := 0
			var joined []byte
			for _, p := range parts {
				items += p.ItemsCount()
				for _, c := range p.(*Request).Chunks() {
					joined = append(joined, c...)
				}
			}
			require.Equal(t, req.ItemsCount(), items)
			if whole, err := s.Count(bytes.Join(req.(*Request).Chunks(), nil)); err == nil {
				n, err := s.Count(joined)
				require.NoError(t, err)
				require.Equal(t, whole, n)
			}
		}
	})
}

func BenchmarkQueuedRequest(b *testing.B) {
	r := rand.New(rand.NewPCG(15, 16))
	td := ptrace.NewTraces()
	for td.SpanCount() < 100 {
		someTraces(r).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	req, err := Converter{}.Traces(context.Background(), td)
	require.NoError(b, err)
	stored, err := Encoding{otlpwire.Traces}.Marshal(context.Background(), req)
	require.NoError(b, err)
	core := xexporterhelper.NewTracesQueueBatchSettings().Encoding
	spans := float64(td.SpanCount())
	for name, e := range map[string]exporterhelper.QueueBatchEncoding[xexporterhelper.Request]{"wire": Encoding{otlpwire.Traces}, "core": core} {
		b.Run("read/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := e.Unmarshal(stored); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
		})
	}
}
