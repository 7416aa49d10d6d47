package ddstatsconnector

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/ddstatsconnector/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

// kit is a connector between its pipelines.
type kit struct {
	traces  connector.Traces
	metrics connector.Traces
	sunk    *consumertest.MetricsSink
	passed  *consumertest.TracesSink
	refuse  error
	cfg     *Config
}

func (k *kit) consume(ctx context.Context, td ptrace.Traces) error {
	if k.refuse != nil {
		return k.refuse
	}
	return k.passed.ConsumeTraces(ctx, td)
}

func newKit(t testing.TB, host component.Host, settings map[string]any) *kit {
	t.Helper()
	k := &kit{sunk: new(consumertest.MetricsSink), passed: new(consumertest.TracesSink), cfg: createDefaultConfig().(*Config)}
	require.NoError(t, confmap.NewFromStringMap(settings).Unmarshal(k.cfg))
	require.NoError(t, k.cfg.Validate())
	next, err := consumer.NewTraces(k.consume)
	require.NoError(t, err)
	f := NewFactory()
	set := connectortest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	k.traces, err = f.CreateTracesToTraces(t.Context(), set, k.cfg, next)
	require.NoError(t, err)
	k.metrics, err = f.CreateTracesToMetrics(t.Context(), set, k.cfg, k.sunk)
	require.NoError(t, err)
	if host == nil {
		host = componenttest.NewNopHost()
	}
	require.NoError(t, k.traces.Start(t.Context(), host))
	require.NoError(t, k.metrics.Start(t.Context(), host))
	return k
}

func (k *kit) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, k.traces.Shutdown(context.Background()))
	require.NoError(t, k.metrics.Shutdown(context.Background()))
}

func spans(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		s := list.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 14: byte(i >> 8), 15: byte(i)})
		s.SetSpanID(pcommon.SpanID{1, 6: byte(i >> 8), 7: byte(i)})
		s.SetKind(ptrace.SpanKindServer)
		s.SetName("GET /")
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		s.SetEndTimestamp(s.StartTimestamp() + 1e6)
	}
	return td
}

// hits adds up the metric, and the payloads that were carried.
func hits(t testing.TB, sunk *consumertest.MetricsSink) (metric int64, carried uint64) {
	t.Helper()
	for _, md := range sunk.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				if m.Name() == "datadog.trace.hits" {
					for _, p := range m.Sum().DataPoints().All() {
						metric += p.IntValue()
					}
				}
				if ddstats.IsCarrier(m) {
					carried += carriedHits(t, m)
				}
			}
		}
	}
	return metric, carried
}

func carriedHits(t testing.TB, m pmetric.Metric) (n uint64) {
	for _, point := range m.Sum().DataPoints().All() {
		p, err := ddstats.Carried(point)
		require.NoError(t, err)
		for _, c := range p.Stats {
			for _, b := range c.Stats {
				for _, g := range b.Stats {
					n += g.Hits
				}
			}
		}
	}
	return n
}

// both consumes as the collector's fan-out does: each pipeline of the connector gets the batch.
func (k *kit) both(ctx context.Context, td ptrace.Traces) error {
	again := ptrace.NewTraces()
	td.CopyTo(again)
	return errors.Join(k.traces.ConsumeTraces(ctx, td), k.metrics.ConsumeTraces(ctx, again))
}

func TestEachSpanThatIsTakenIsCountedOnceAndMarked(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil, map[string]any{"payload": true})
	for range 10 {
		k.refuse = errors.New("full")
		require.Error(t, k.both(t.Context(), spans(100)))
		k.refuse = nil
		require.NoError(t, k.both(t.Context(), spans(100)))
	}
	for _, td := range k.passed.AllTraces() {
		v, ok := td.ResourceSpans().At(0).Resource().Attributes().Get("_dd.stats_computed")
		require.True(t, ok)
		require.Equal(t, "true", v.Str())
		require.NoError(t, k.both(t.Context(), td), "counted already")
	}
	k.stop(t)
	metric, carried := hits(t, k.sunk)
	require.EqualValues(t, 1000, metric)
	require.EqualValues(t, 1000, carried)
}

func TestWithoutPayloadNothingIsCarried(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil, nil)
	require.NoError(t, k.both(t.Context(), spans(5)))
	k.stop(t)
	metric, carried := hits(t, k.sunk)
	require.EqualValues(t, 5, metric)
	require.Zero(t, carried)
}

func TestOpenBucketsSurviveAKill(t *testing.T) {
	t.Parallel()
	disk := journaltest.NewDisk()
	settings := map[string]any{"storage": journaltest.ID.String(), "journal_interval": "0s"}
	k := newKit(t, disk.Host(), settings)
	require.NoError(t, k.both(t.Context(), spans(5)))
	after := newKit(t, disk.Crash().Host(), settings)
	after.stop(t)
	metric, _ := hits(t, after.sunk)
	require.EqualValues(t, 5, metric)
	k.stop(t)
}

func TestAConnectorWithoutAMetricsPipelineIsRefused(t *testing.T) {
	t.Parallel()
	c, err := NewFactory().CreateTracesToTraces(t.Context(), connectortest.NewNopSettings(metadata.Type), createDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, c.Start(t.Context(), componenttest.NewNopHost()), "metrics pipeline")
}

func TestConfigErrorsNameTheKeyAndTheRule(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"bucket_interval must be whole seconds, got 1.5s": func(c *Config) { c.BucketInterval = 1500 * time.Millisecond },
		"journal_interval must not be negative, got -1s":  func(c *Config) { c.JournalInterval = -time.Second },
	} {
		c := createDefaultConfig().(*Config)
		change(c)
		require.EqualError(t, c.Validate(), want)
	}
}

// A tracer that counts its spans itself sends all of them all the same: with count_computed they are counted here, and only here.
func TestSpansThatTheirTracerCountsAreCountedOnRequest(t *testing.T) {
	t.Parallel()
	for _, computed := range []bool{false, true} {
		k := newKit(t, nil, map[string]any{"payload": true, "count_computed": computed})
		td := spans(10)
		td.ResourceSpans().At(0).Resource().Attributes().PutStr("_dd.stats_computed", "true")
		require.NoError(t, k.traces.ConsumeTraces(t.Context(), td))
		k.stop(t)
		want := 0
		if computed {
			want = 10
		}
		metric, carried := hits(t, k.sunk)
		require.EqualValues(t, want, metric)
		require.EqualValues(t, want, carried)
	}
}

// Nobody but the exporter that posts payloads may get them: they are as large as the statistics.
func TestWithoutPayloadNoneIsMade(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil, nil)
	require.NoError(t, k.traces.ConsumeTraces(t.Context(), spans(10)))
	k.stop(t)
	require.NotEmpty(t, k.sunk.AllMetrics())
	for _, md := range k.sunk.AllMetrics() {
		raw, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "dd.internal.")
	}
}
