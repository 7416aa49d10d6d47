package delta

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

var epoch = time.Unix(1_800_000_000, 0)

func converter(change ...func(*Config)) *Converter {
	cfg := Config{MaxSeries: 1000, TTL: time.Hour, Initial: Auto, Sums: true, Now: func() time.Time { return epoch }}
	for _, f := range change {
		f(&cfg)
	}
	return New(cfg)
}

func at(s int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(epoch.Add(time.Duration(s) * time.Second))
}

func sum(start, when int, value float64, attrs ...string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("requests")
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := s.DataPoints().AppendEmpty()
	p.SetStartTimestamp(at(start))
	p.SetTimestamp(at(when))
	p.SetDoubleValue(value)
	for i := 0; i+1 < len(attrs); i += 2 {
		p.Attributes().PutStr(attrs[i], attrs[i+1])
	}
	return md
}

// value is the only point's, or -1 when it was left out.
func value(md pmetric.Metrics) float64 {
	if md.DataPointCount() == 0 {
		return -1
	}
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).DoubleValue()
}

func convert(t testing.TB, c *Converter, md pmetric.Metrics, commit bool) (float64, Change) {
	t.Helper()
	change := c.Convert(md)
	if commit {
		require.NoError(t, c.Commit(t.Context(), change, nil))
	}
	return value(md), change
}

func TestARefusedBatchGivesTheSameDifferenceAgain(t *testing.T) {
	t.Parallel()
	c := converter()
	v, _ := convert(t, c, sum(1, 10, 10), true)
	require.EqualValues(t, 10, v)
	for range 3 {
		v, _ = convert(t, c, sum(1, 20, 25), false)
		require.EqualValues(t, 15, v)
	}
	v, _ = convert(t, c, sum(1, 20, 25), true)
	require.EqualValues(t, 15, v)
	v, change := convert(t, c, sum(1, 20, 25), true)
	require.EqualValues(t, -1, v, "taken, it comes once more: the sender did not hear of it")
	require.Equal(t, map[string]int{OutOfOrder: 1}, change.LeftOut)
	v, _ = convert(t, c, sum(1, 30, 40), true)
	require.EqualValues(t, 15, v)
}

func TestWhatTheFirstPointIsWorth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		initial Initial
		start   int
		want    float64
	}{{Auto, 5, 7}, {Auto, -5, -1}, {Keep, -5, 7}, {Drop, 5, -1}} {
		v, _ := convert(t, converter(func(cfg *Config) { cfg.Initial = c.initial }), sum(c.start, 10, 7), true)
		require.Equal(t, c.want, v, "%v", c)
	}
}

// The differences of a series add up to what its sender counted, whatever was reset, refused, repeated or late.
func TestDifferencesAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		disk := journaltest.NewDisk()
		c, j := reopen(t, disk)
		counted, now, start, got := 0.0, 0.0, 1, 0.0
		when := 1
		for range 60 {
			when += 1 + r.IntN(3)
			switch r.IntN(8) {
			case 0: // the sender began anew
				start, now = when, 0
				when++
			case 1: // the collector was killed
				disk = disk.Crash()
				c, j = reopen(t, disk)
				continue
			}
			add := float64(r.IntN(100))
			counted, now = counted+add, now+add
			for r.IntN(3) == 0 { // refused
				c.Convert(sum(start, when, now))
			}
			md := sum(start, when, now)
			change := c.Convert(md)
			require.NoError(t, c.Commit(t.Context(), change, j))
			if v := value(md); v > 0 {
				got += v
			}
			if r.IntN(4) == 0 { // repeated, and an old one
				for _, again := range []pmetric.Metrics{sum(start, when, now), sum(start, when-1, 0)} {
					change := c.Convert(again)
					require.Zero(t, again.DataPointCount())
					require.NoError(t, c.Commit(t.Context(), change, j))
				}
			}
		}
		require.InDelta(t, counted, got, 1e-6, "seed %d", seed)
	}
}

func reopen(t testing.TB, disk *journaltest.Disk) (*Converter, *journal.Journal) {
	t.Helper()
	j, err := journal.Open(t.Context(), disk.Host(), journal.Config{Storage: journaltest.ID, Kind: component.KindExporter, Owner: component.MustNewID("x"), Name: "delta"})
	require.NoError(t, err)
	c := converter()
	require.NoError(t, j.Load(t.Context(), func(n uint64, raw []byte) { require.NoError(t, c.Restore(n, raw)) }))
	return c, j
}

func TestHistogramsGiveTheDifferenceOfEachBucket(t *testing.T) {
	t.Parallel()
	h := func(when int, counts []uint64, sum float64) pmetric.Metrics {
		md := pmetric.NewMetrics()
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("latency")
		m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := m.Histogram().DataPoints().AppendEmpty()
		p.SetStartTimestamp(at(1))
		p.SetTimestamp(at(when))
		p.ExplicitBounds().FromRaw([]float64{1, 2})
		p.BucketCounts().FromRaw(counts)
		for _, n := range counts {
			p.SetCount(p.Count() + n)
		}
		p.SetSum(sum)
		p.SetMin(1)
		p.SetMax(9)
		return md
	}
	c := converter()
	require.NoError(t, c.Commit(t.Context(), c.Convert(h(10, []uint64{1, 2, 3}, 10)), nil))
	md := h(20, []uint64{2, 2, 7}, 25)
	require.NoError(t, c.Commit(t.Context(), c.Convert(md), nil))
	p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0)
	require.Equal(t, []uint64{1, 0, 4}, p.BucketCounts().AsRaw())
	require.EqualValues(t, 5, p.Count())
	require.EqualValues(t, 15, p.Sum())
	require.False(t, p.HasMin() || p.HasMax())
	require.Equal(t, at(10), p.StartTimestamp())
}

// An exponential histogram may grow coarser between two points: what was counted is in the wider buckets.
func TestExponentialHistogramsGiveTheDifferenceThroughAChangeOfScale(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		first, second := map[int32]uint64{}, map[int32]uint64{}
		for range 20 {
			first[int32(r.IntN(60)-30)] += uint64(r.IntN(5))
		}
		by := int32(r.IntN(3))
		for i, n := range first {
			second[i>>by] += n
		}
		want := map[int32]uint64{}
		for range 20 {
			i, n := int32(r.IntN(60)-30)>>by, uint64(r.IntN(5))
			second[i] += n
			want[i] += n
		}
		c := converter(func(cfg *Config) { cfg.Initial = Keep })
		require.NoError(t, c.Commit(t.Context(), c.Convert(exponential(10, 5, first)), nil))
		md := exponential(20, 5-by, second)
		require.NoError(t, c.Commit(t.Context(), c.Convert(md), nil))
		p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).ExponentialHistogram().DataPoints().At(0)
		got, total := map[int32]uint64{}, uint64(0)
		for i, n := range p.Positive().BucketCounts().AsRaw() {
			if n > 0 {
				got[p.Positive().Offset()+int32(i)] = n
			}
			total += n
		}
		for i, n := range want {
			if n == 0 {
				delete(want, i)
			}
		}
		require.Equal(t, want, got, "seed %d", seed)
		require.Equal(t, total, p.Count())
	}
}

func exponential(when int, scale int32, counts map[int32]uint64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("latency")
	m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := m.ExponentialHistogram().DataPoints().AppendEmpty()
	p.SetStartTimestamp(at(1))
	p.SetTimestamp(at(when))
	p.SetScale(scale)
	low, high := int32(0), int32(0)
	for i := range counts {
		low, high = min(low, i), max(high, i)
	}
	buckets := make([]uint64, high-low+1)
	for i, n := range counts {
		buckets[i-low] += n
		p.SetCount(p.Count() + n)
	}
	p.Positive().SetOffset(low)
	p.Positive().BucketCounts().FromRaw(buckets)
	return md
}

func TestSeriesAreBoundedAndForgottenAtTheirAge(t *testing.T) {
	t.Parallel()
	now := epoch
	c := converter(func(cfg *Config) { cfg.MaxSeries, cfg.Now = 10, func() time.Time { return now } })
	left := 0
	for i := range 100 {
		_, change := convert(t, c, sum(1, 10, 1, "series", fmt.Sprint(i)), true)
		left += change.LeftOut[TooMany]
	}
	require.Equal(t, 10, c.Series())
	require.Equal(t, 90, left)
	now = now.Add(2 * time.Hour)
	convert(t, c, pmetric.NewMetrics(), true)
	require.Zero(t, c.Series())
}

func TestWhatIsNotCumulativeStaysAsItIs(t *testing.T) {
	t.Parallel()
	md := sum(1, 10, 5)
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	g := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	g.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(3)
	change := converter().Convert(md)
	require.True(t, change.Empty())
	require.Equal(t, 2, md.DataPointCount())
}
