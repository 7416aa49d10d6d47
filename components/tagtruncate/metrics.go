package tagtruncate

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// limitMetric limits the points of one metric. OTLP has no dropped count there.
func (t *truncator) limitMetric(m pmetric.Metric, done *tally) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			t.limitPoint(p.Attributes(), p.Exemplars(), done)
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			t.limitPoint(p.Attributes(), p.Exemplars(), done)
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			t.limitPoint(p.Attributes(), p.Exemplars(), done)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			t.limitPoint(p.Attributes(), p.Exemplars(), done)
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			t.dataPoint.limit(p.Attributes(), done, nil)
		}
	}
}

// limitPoint limits a point and the attributes that were filtered from it,
// which its exemplars carry on.
func (t *truncator) limitPoint(attrs pcommon.Map, exemplars pmetric.ExemplarSlice, done *tally) {
	t.dataPoint.limit(attrs, done, nil)
	for _, exemplar := range exemplars.All() {
		t.dataPoint.limit(exemplar.FilteredAttributes(), done, nil)
	}
}
