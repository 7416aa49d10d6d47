package delta

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Reasons for which a point gives no difference.
const (
	First      = "first_point"   // there is nothing to compare with
	OutOfOrder = "out_of_order"  // it is not later than the last
	NoValue    = "no_value"      // it says that there is no value
	TooMany    = "max_series"    // too many series are remembered
	sweepEvery = 5 * time.Minute // how often series are looked at for their age
)

// Initial says what the first point of a series is worth.
type Initial string

// The ways.
const (
	// Auto takes the value of a series that began after this process, and nothing of an older one.
	Auto Initial = "auto"
	Keep Initial = "keep"
	Drop Initial = "drop"
)

// Config bounds what is remembered.
type Config struct {
	MaxSeries int
	TTL       time.Duration
	Initial   Initial
	// Sums says whether sums are converted; histograms always are.
	Sums bool
	Now  func() time.Time
}

// Converter remembers the last point of each series. It is safe for concurrent use.
type Converter struct {
	cfg   Config
	began uint64

	mu     sync.Mutex
	series map[ID]*state
	swept  time.Time
}

type state struct {
	last
	seen   time.Time
	number uint64 // in the journal
	noted  bool
}

// New returns a converter that knows no series.
func New(cfg Config) *Converter {
	return &Converter{cfg: cfg, began: uint64(cfg.Now().UnixNano()), series: map[ID]*state{}, swept: cfg.Now()}
}

// Change are the points of a batch that are not yet remembered, and how many gave no difference.
type Change struct {
	points  map[ID]last
	LeftOut map[string]int
}

// Empty reports whether there is nothing to remember.
func (c *Change) Empty() bool { return len(c.points) == 0 }

// Series is the number of series that are remembered.
func (c *Converter) Series() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.series)
}

// Convert makes the cumulative sums and histograms of a batch delta. What gives no difference is removed. Whoever calls it must not
// convert the next batch before this one is committed or refused, or what happened in between is counted in both.
func (c *Converter) Convert(md pmetric.Metrics) Change {
	w := &walk{c: c, id: newIdentifier(), change: Change{points: map[ID]last{}, LeftOut: map[string]int{}}}
	c.mu.Lock()
	defer c.mu.Unlock()
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool { return w.metric(rm.Resource(), sm.Scope(), m) })
			return sm.Metrics().Len() == 0
		})
		return rm.ScopeMetrics().Len() == 0
	})
	return w.change
}

// walk converts one batch.
type walk struct {
	c      *Converter
	id     *identifier
	change Change
}

// metric converts the points of a metric and reports whether none is left.
func (w *walk) metric(res pcommon.Resource, scope pcommon.InstrumentationScope, m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		s := m.Sum()
		if !w.c.cfg.Sums || !s.IsMonotonic() || s.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		w.id.metric(res, scope, m)
		s.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		s.DataPoints().RemoveIf(w.number)
		return s.DataPoints().Len() == 0
	case pmetric.MetricTypeHistogram:
		h := m.Histogram()
		if h.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		w.id.metric(res, scope, m)
		h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		h.DataPoints().RemoveIf(w.histogram)
		return h.DataPoints().Len() == 0
	case pmetric.MetricTypeExponentialHistogram:
		h := m.ExponentialHistogram()
		if h.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return false
		}
		w.id.metric(res, scope, m)
		h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		h.DataPoints().RemoveIf(w.exponential)
		return h.DataPoints().Len() == 0
	}
	return false
}

// point is what the three kinds have in common.
type point interface {
	Attributes() pcommon.Map
	Flags() pmetric.DataPointFlags
	StartTimestamp() pcommon.Timestamp
	SetStartTimestamp(pcommon.Timestamp)
	Timestamp() pcommon.Timestamp
}

// compare finds the last point of the series of p and remembers now in its place. It returns false when p gives no difference,
// and a nil last when its whole value counts.
func (w *walk) compare(p point, now last) (before *last, ok bool) {
	leave := func(reason string) (*last, bool) {
		w.change.LeftOut[reason]++
		return nil, false
	}
	if p.Flags().NoRecordedValue() {
		return leave(NoValue)
	}
	id := w.id.point(p.Attributes())
	if l, there := w.change.points[id]; there {
		before = &l
	} else if s := w.c.series[id]; s != nil {
		before = &s.last
	}
	if before == nil {
		if len(w.c.series)+len(w.change.points) >= w.c.cfg.MaxSeries {
			return leave(TooMany)
		}
		w.change.points[id] = now
		if w.c.cfg.Initial == Drop || w.c.cfg.Initial == Auto && (now.Start == 0 || now.Start < w.c.began) {
			return leave(First)
		}
		return nil, true
	}
	if now.Time <= before.Time {
		return leave(OutOfOrder)
	}
	w.change.points[id] = now
	if now.Start > before.Time || now.Start > before.Start && before.Start != 0 || now.fell(before) {
		return nil, true // it began anew
	}
	p.SetStartTimestamp(pcommon.Timestamp(before.Time))
	return before, true
}

// fell reports whether something that only grows is less than before.
func (l *last) fell(before *last) bool {
	if l.Buckets[0] == nil && l.Buckets[1] == nil && l.Count == 0 && before.Count == 0 {
		return l.Value < before.Value
	}
	return l.Count < before.Count
}

func (w *walk) number(p pmetric.NumberDataPoint) bool {
	value := p.DoubleValue()
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		value = float64(p.IntValue())
	}
	now := last{Start: uint64(p.StartTimestamp()), Time: uint64(p.Timestamp()), Value: value}
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		now.Int = p.IntValue()
	}
	before, ok := w.compare(p, now)
	if before != nil {
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			p.SetIntValue(now.Int - before.Int)
		} else {
			p.SetDoubleValue(value - before.Value)
		}
	}
	return !ok
}

func (w *walk) histogram(p pmetric.HistogramDataPoint) bool {
	now := last{
		Start: uint64(p.StartTimestamp()), Time: uint64(p.Timestamp()), Value: p.Sum(), HasSum: p.HasSum(), Count: p.Count(),
		Buckets: [2][]uint64{p.BucketCounts().AsRaw()}, Bounds: p.ExplicitBounds().AsRaw(),
	}
	before, ok := w.compare(p, now)
	if before == nil {
		return !ok
	}
	buckets, same := subtract(now.Buckets[0], before.Buckets[0])
	if !same || !equal(now.Bounds, before.Bounds) {
		return false // other buckets: it counts as begun anew
	}
	p.SetCount(now.Count - before.Count)
	p.BucketCounts().FromRaw(buckets)
	if now.HasSum && before.HasSum {
		p.SetSum(now.Value - before.Value)
	}
	// They were of the whole time.
	p.RemoveMin()
	p.RemoveMax()
	return false
}

func (w *walk) exponential(p pmetric.ExponentialHistogramDataPoint) bool {
	now := last{
		Start: uint64(p.StartTimestamp()), Time: uint64(p.Timestamp()), Value: p.Sum(), HasSum: p.HasSum(), Count: p.Count(), Zero: p.ZeroCount(), Scale: p.Scale(),
		Offsets: [2]int32{p.Positive().Offset(), p.Negative().Offset()},
		Buckets: [2][]uint64{p.Positive().BucketCounts().AsRaw(), p.Negative().BucketCounts().AsRaw()},
	}
	before, ok := w.compare(p, now)
	if before == nil {
		return !ok
	}
	old := *before
	if old.Scale < now.Scale || now.Zero < old.Zero {
		return false // finer than before: it began anew
	}
	for i := range old.Buckets {
		old.Offsets[i], old.Buckets[i] = coarser(old.Offsets[i], old.Buckets[i], old.Scale-now.Scale)
	}
	positive, ok1 := subtractAt(now.Offsets[0], now.Buckets[0], old.Offsets[0], old.Buckets[0])
	negative, ok2 := subtractAt(now.Offsets[1], now.Buckets[1], old.Offsets[1], old.Buckets[1])
	if !ok1 || !ok2 {
		return false
	}
	p.Positive().BucketCounts().FromRaw(positive)
	p.Negative().BucketCounts().FromRaw(negative)
	p.SetZeroCount(now.Zero - old.Zero)
	p.SetCount(now.Count - old.Count)
	if now.HasSum && old.HasSum {
		p.SetSum(now.Value - old.Value)
	}
	p.RemoveMin()
	p.RemoveMax()
	return false
}
