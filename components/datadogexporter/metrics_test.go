package datadogexporter

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/DataDog/agent-payload/v5/gogen"
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

func (k *kit) startMetrics(t testing.TB, more ...component.Component) exporter.Metrics {
	t.Helper()
	exp, err := NewFactory().CreateMetrics(t.Context(), k.set, k.cfg)
	require.NoError(t, err)
	host := hostWith{keeperID: k.keeper}
	for _, c := range more {
		host[journaltest.ID] = c
	}
	require.NoError(t, exp.Start(t.Context(), host))
	t.Cleanup(func() { k.stop(exp) })
	return exp
}

// cumulative is a counter and a histogram at one time.
func cumulative(began, at time.Time, value int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	rm.Resource().Attributes().PutStr("host.name", "node-1")
	sm := rm.ScopeMetrics().AppendEmpty()
	m := sm.Metrics().AppendEmpty()
	m.SetName("requests")
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := s.DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetIntValue(value)
	h := sm.Metrics().AppendEmpty()
	h.SetName("latency")
	hh := h.SetEmptyHistogram()
	hh.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	hp := hh.DataPoints().AppendEmpty()
	hp.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
	hp.SetTimestamp(pcommon.NewTimestampFromTime(at))
	hp.ExplicitBounds().FromRaw([]float64{1, 2})
	hp.BucketCounts().FromRaw([]uint64{uint64(value), 0, 0})
	hp.SetCount(uint64(value))
	hp.SetSum(float64(value))
	g := sm.Metrics().AppendEmpty()
	g.SetName("temperature")
	gp := g.SetEmptyGauge().DataPoints().AppendEmpty()
	gp.SetTimestamp(pcommon.NewTimestampFromTime(at))
	gp.SetDoubleValue(21)
	return md
}

// seriesSum adds up a series over seconds, each second once.
func (in *intakeServer) seriesSum(name string) (sum float64, host string, kind gogen.MetricPayload_MetricType) {
	seconds := map[int64]float64{}
	for _, p := range in.series {
		for _, s := range p.Series {
			if s.Metric == name {
				seconds[s.Points[0].Timestamp] = s.Points[0].Value
				kind = s.Type
				host = s.Resources[0].Name
			}
		}
	}
	for _, v := range seconds {
		sum += v
	}
	return sum, host, kind
}

func (in *intakeServer) sketchCount(name string) (n int64) {
	for _, p := range in.sketches {
		for _, s := range p.Sketches {
			if s.Metric == name {
				n += s.Dogsketches[0].Cnt
			}
		}
	}
	return n
}

func TestCumulativeMetricsArriveAsTheirDifferencesThroughRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	var calls atomic.Int32
	k.answer = func(*http.Request, []byte) answer {
		if n := calls.Add(1); n%3 == 0 {
			return answer{status: 503}
		}
		return answer{}
	}
	exp := k.startMetrics(t)
	began := time.Now().Add(time.Second)
	for i := range 10 {
		require.NoError(t, exp.ConsumeMetrics(t.Context(), cumulative(began, began.Add(time.Duration(i+1)*10*time.Second), int64(5*(i+1)))))
	}
	k.waitFor(t, "metrics", func() bool {
		sum, _, _ := k.seriesSum("requests")
		return sum >= 50 && k.sketchCount("latency") >= 50
	})
	sum, host, kind := k.seriesSum("requests")
	require.EqualValues(t, 50, sum)
	require.Equal(t, "node-1", host)
	require.Equal(t, gogen.MetricPayload_COUNT, kind)
	require.EqualValues(t, 50, k.sketchCount("latency"), "a distribution that is sent twice is counted twice")
	_, _, kind = k.seriesSum("temperature")
	require.Equal(t, gogen.MetricPayload_GAUGE, kind)
}

func TestTheLastPointsOfSeriesSurviveARestart(t *testing.T) {
	t.Parallel()
	disk := journaltest.NewDisk()
	k := newKit(t, map[string]any{"sending_queue": map[string]any{"storage": journaltest.ID.String()}})
	began := time.Now().Add(time.Second)
	for i := range 5 {
		exp := k.startMetrics(t, disk)
		require.NoError(t, exp.ConsumeMetrics(t.Context(), cumulative(began, began.Add(time.Duration(i+1)*10*time.Second), int64(5*(i+1)))))
		if i < 4 {
			k.stop(exp)
		}
	}
	k.waitFor(t, "metrics", func() bool {
		sum, _, _ := k.seriesSum("requests")
		return sum >= 25
	})
	sum, _, _ := k.seriesSum("requests")
	require.EqualValues(t, 25, sum)
}

func TestCarriedStatisticsGoToTheirEndpointAndWhatStandsBesideThemDoesNot(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(r *http.Request, _ []byte) answer {
		if r.URL.Path == "/api/v0.2/stats" && len(k.stats) == 0 && k.requests[r.URL.Path] < 3 {
			return answer{status: 503}
		}
		return answer{}
	}
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	for _, name := range []string{"datadog.trace.hits", "other"} {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		p.SetIntValue(1)
	}
	require.NoError(t, ddstats.CarryIn(sm.Metrics().AppendEmpty(), []*pb.StatsPayload{{AgentHostname: "pod", Stats: []*pb.ClientStatsPayload{{Stats: []*pb.ClientStatsBucket{{Stats: []*pb.ClientGroupedStats{{Resource: "GET /", Hits: 9}}}}}}}}))
	require.NoError(t, k.startMetrics(t).ConsumeMetrics(t.Context(), md))
	k.waitFor(t, "statistics and series", func() bool { return k.hits()["GET /"] == 9 && len(k.series) > 0 })
	for _, p := range k.series {
		for _, s := range p.Series {
			require.Equal(t, "other", s.Metric)
		}
	}
}

func TestARefusedMetricGoesToQuarantineAlone(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(r *http.Request, raw []byte) answer {
		p := new(gogen.MetricPayload)
		if r.URL.Path == "/api/v2/series" && p.Unmarshal(raw) == nil {
			for _, s := range p.Series {
				if s.Metric == "temperature" {
					return answer{status: 400}
				}
			}
		}
		return answer{}
	}
	exp := k.startMetrics(t)
	began := time.Now().Add(time.Second)
	require.NoError(t, exp.ConsumeMetrics(t.Context(), cumulative(began, began.Add(time.Second), 5)))
	k.waitFor(t, "metrics", func() bool {
		sum, _, _ := k.seriesSum("requests")
		return sum == 5 && k.sketchCount("latency") == 5
	})
	require.NoError(t, exp.Shutdown(context.Background()))
	k.stopped.Store(exp, true)
	require.Len(t, k.kept["metrics refused"], 1)
}

// What tracers counted themselves is counted again before the exporter, so their metrics would be billed for nothing.
func TestStatisticsOfTracersAreLeftOutOnRequest(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"metrics": map[string]any{"trace_statistics": false}})
	md := pmetric.NewMetrics()
	for _, name := range []string{"datadog.trace.hits", "datadog.trace.errors", "other"} {
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(name)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		p.SetIntValue(1)
	}
	require.NoError(t, k.startMetrics(t).ConsumeMetrics(t.Context(), md))
	k.waitFor(t, "series", func() bool { return len(k.series) > 0 })
	for _, p := range k.series {
		for _, s := range p.Series {
			require.Equal(t, "other", s.Metric)
		}
	}
}
