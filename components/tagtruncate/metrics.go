package tagtruncate

import "go.opentelemetry.io/collector/pdata/pmetric"

// limitMetric limits the points of one metric. OTLP has no dropped count there.
func (t *truncator) limitMetric(m pmetric.Metric, done *tally) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	}
}
