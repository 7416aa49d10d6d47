package tagtruncate

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
)

// truncator walks a batch and holds every scope of it within its limits.
type truncator struct {
	telemetry
	resource, scope, span, event, link, log, dataPoint *limiter

	body *limiter // of log bodies, which are counted in bytes whatever the unit

	spanLimits SpanLimits
	eventName  int
	reportAs   string
	cutter     cutter
	notes      *notes
}

func newTruncator(set processor.Settings, cfg *Config) (*truncator, error) {
	tel, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	t := &truncator{
		telemetry:  tel,
		spanLimits: cfg.Span,
		eventName:  cfg.Event.MaxName,
		reportAs:   cfg.ReportAttribute,
		notes:      newNotes(set.Logger),
		cutter: cutter{
			bytes:        cfg.Unit == unitBytes,
			graphemes:    cfg.Boundary == boundaryGrapheme,
			repair:       cfg.InvalidUTF8 != utf8Keep,
			plain:        cfg.Marker == "" && cfg.Boundary == boundaryRune && cfg.InvalidUTF8 != utf8RepairAll,
			reads:        cfg.InvalidUTF8 != utf8Keep || cfg.Unit != unitBytes,
			checkAll:     cfg.InvalidUTF8 == utf8RepairAll,
			marker:       cfg.Marker,
			markerSize:   cfg.markerSize(false),
			markerInside: cfg.MarkerInside,
			sendersMark:  sendersMarker,
		},
	}
	b := newRuleSet(cfg)
	limiters := []**limiter{&t.resource, &t.scope, &t.span, &t.event, &t.link, &t.log, &t.dataPoint}
	for i, l := range cfg.everyLimits() {
		*limiters[i] = newLimiter(scope(i), *l, b, &t.cutter, t.notes)
	}
	inBytes := t.cutter
	inBytes.bytes, inBytes.markerSize = true, cfg.markerSize(true)
	t.body = newLimiter(inLog, Limits{MaxValue: cfg.Log.MaxBodyBytes}, b, &inBytes, t.notes)
	t.body.long = bodyLength
	return t, nil
}

func (t *truncator) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	done := tally{noted: t.notes.on()}
	var report *keyList
	if t.reportAs != "" {
		report = &keyList{name: t.reportAs}
	}
	for _, rs := range td.ResourceSpans().All() {
		t.limitResource(rs.Resource(), &done)
		for _, ss := range rs.ScopeSpans().All() {
			t.limitScope(ss.Scope(), &done)
			for _, span := range ss.Spans().All() {
				t.limitSpan(span, &done, report)
			}
		}
	}
	t.record(ctx, &done)
	return td, nil
}

func (t *truncator) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	done := tally{noted: t.notes.on()}
	for _, rl := range ld.ResourceLogs().All() {
		t.limitResource(rl.Resource(), &done)
		for _, sl := range rl.ScopeLogs().All() {
			t.limitScope(sl.Scope(), &done)
			for _, record := range sl.LogRecords().All() {
				if n := t.log.limit(record.Attributes(), &done, nil); n > 0 {
					record.SetDroppedAttributesCount(record.DroppedAttributesCount() + n)
				}
				t.body.deep("body", record.Body(), t.body.limits.MaxValue, 0, &done)
			}
		}
	}
	t.record(ctx, &done)
	return ld, nil
}

func (t *truncator) processMetrics(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	done := tally{noted: t.notes.on()}
	for _, rm := range md.ResourceMetrics().All() {
		t.limitResource(rm.Resource(), &done)
		for _, sm := range rm.ScopeMetrics().All() {
			t.limitScope(sm.Scope(), &done)
			for _, metric := range sm.Metrics().All() {
				t.limitMetric(metric, &done)
			}
		}
	}
	t.record(ctx, &done)
	return md, nil
}
