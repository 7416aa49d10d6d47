package obfuscate

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/roots"
)

// processTraces drops, obfuscates and replaces, in the Agent's order.
func (e *engine) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	if !e.filter.Empty() {
		for rule, n := range e.filter.Apply(td) {
			if n > 0 && roots.Rule(rule) != roots.None {
				e.telemetry.ProcessorObfuscateFilteredSpans.Add(ctx, n, e.filtered[rule]...)
			}
		}
		if td.ResourceSpans().Len() == 0 {
			return td, processorhelper.ErrSkipProcessingData
		}
	}
	var c counts
	var own, theirs texts
	for _, rs := range td.ResourceSpans().All() {
		if e.skips(rs.Resource()) {
			continue
		}
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				e.span(span, &own, &theirs, &c)
				if e.rules.ForSpans() {
					e.rules.Span(span)
				}
			}
		}
	}
	e.add(ctx, &c)
	return td, nil
}

// span rewrites a span, its events and its links. own and theirs are for their statements.
func (e *engine) span(span ptrace.Span, own, theirs *texts, c *counts) {
	var it item
	e.read(span.Attributes(), &it, own, c)
	for _, event := range span.Events().All() {
		e.attributes(event.Attributes(), &it, theirs, c)
	}
	for _, link := range span.Links().All() {
		e.attributes(link.Attributes(), &it, theirs, c)
	}
	if it.n == 0 && !it.hasName && it.names == [3]string{} {
		return
	}
	if name := e.rewrite(span.Attributes(), &it, own, span.Name(), c); name != span.Name() {
		span.SetName(name)
	}
}

func (e *engine) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	var c counts
	var ts texts
	for _, rl := range ld.ResourceLogs().All() {
		if e.skips(rl.Resource()) {
			continue
		}
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				e.attributes(record.Attributes(), nil, &ts, &c)
				if e.rules.ForLogs() {
					e.rules.Record(record)
				}
			}
		}
	}
	e.add(ctx, &c)
	return ld, nil
}

func (e *engine) processMetrics(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	var c counts
	var ts texts
	for _, rm := range md.ResourceMetrics().All() {
		if e.skips(rm.Resource()) {
			continue
		}
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				e.metric(m, &ts, &c)
			}
		}
	}
	e.add(ctx, &c)
	return md, nil
}

// metric rewrites the labels of data points.
func (e *engine) metric(m pmetric.Metric, ts *texts, c *counts) {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			e.attributes(p.Attributes(), nil, ts, c)
		}
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			e.attributes(p.Attributes(), nil, ts, c)
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			e.attributes(p.Attributes(), nil, ts, c)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			e.attributes(p.Attributes(), nil, ts, c)
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			e.attributes(p.Attributes(), nil, ts, c)
		}
	}
}
