package retrypolicy

import "go.opentelemetry.io/collector/pdata/pmetric"

// halveMetrics cuts between data points, so that one metric with many points
// can be cut too.
func halveMetrics(md pmetric.Metrics) (a, b pmetric.Metrics) {
	b = pmetric.NewMetrics()
	left := md.DataPointCount() / 2
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		rest := pmetric.NewResourceMetrics()
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			moved := pmetric.NewScopeMetrics()
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				n := points(m)
				switch {
				case n <= left:
					left -= n
					return false
				case left == 0:
					m.MoveTo(moved.Metrics().AppendEmpty())
					return true
				}
				splitMetric(m, moved.Metrics().AppendEmpty(), left)
				left = 0
				return false
			})
			if moved.Metrics().Len() > 0 {
				sm.Scope().CopyTo(moved.Scope())
				moved.SetSchemaUrl(sm.SchemaUrl())
				moved.MoveTo(rest.ScopeMetrics().AppendEmpty())
			}
			return sm.Metrics().Len() == 0
		})
		if rest.ScopeMetrics().Len() > 0 {
			rm.Resource().CopyTo(rest.Resource())
			rest.SetSchemaUrl(rm.SchemaUrl())
			rest.MoveTo(b.ResourceMetrics().AppendEmpty())
		}
		return rm.ScopeMetrics().Len() == 0
	})
	return md, b
}

func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	}
	return 0
}

// splitMetric leaves the first keep points in from and moves the others to to.
func splitMetric(from, to pmetric.Metric, keep int) {
	to.SetName(from.Name())
	to.SetDescription(from.Description())
	to.SetUnit(from.Unit())
	from.Metadata().CopyTo(to.Metadata())
	switch from.Type() {
	case pmetric.MetricTypeGauge:
		tail(from.Gauge().DataPoints(), to.SetEmptyGauge().DataPoints(), keep)
	case pmetric.MetricTypeSum:
		sum := to.SetEmptySum()
		sum.SetAggregationTemporality(from.Sum().AggregationTemporality())
		sum.SetIsMonotonic(from.Sum().IsMonotonic())
		tail(from.Sum().DataPoints(), sum.DataPoints(), keep)
	case pmetric.MetricTypeHistogram:
		h := to.SetEmptyHistogram()
		h.SetAggregationTemporality(from.Histogram().AggregationTemporality())
		tail(from.Histogram().DataPoints(), h.DataPoints(), keep)
	case pmetric.MetricTypeExponentialHistogram:
		h := to.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(from.ExponentialHistogram().AggregationTemporality())
		tail(from.ExponentialHistogram().DataPoints(), h.DataPoints(), keep)
	case pmetric.MetricTypeSummary:
		tail(from.Summary().DataPoints(), to.SetEmptySummary().DataPoints(), keep)
	}
}

// point and pointSlice are what pdata's five kinds of data points share.
type point[P any] interface{ MoveTo(P) }

type pointSlice[P point[P]] interface {
	AppendEmpty() P
	RemoveIf(func(P) bool)
}

func tail[P point[P], S pointSlice[P]](from, to S, keep int) {
	from.RemoveIf(func(p P) bool {
		if keep > 0 {
			keep--
			return false
		}
		p.MoveTo(to.AppendEmpty())
		return true
	})
}
