package datadogrumreceiver

import (
	"context"
	"errors"
	"strconv"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// eventType is the type of an event as metrics spell it: a closed set, whatever strangers send.
type eventType uint8

const (
	typeUnknown eventType = iota
	typeView
	typeViewUpdate
	typeAction
	typeResource
	typeError
	typeLongTask
	typeVital
	typeTransition
	typeTelemetry
	typeCount
)

var typeNames = [typeCount]string{
	"unknown", "view", "view_update", "action", "resource", "error", "long_task", "vital", "transition", "telemetry",
}

func typeOf(kind string) eventType {
	for i, name := range typeNames {
		if name == kind {
			return eventType(i) //nolint:gosec // ten names
		}
	}
	return typeUnknown
}

const metricPrefix = "otelcol_receiver_datadog_rum_"

// telemetry is what the receiver says about itself.
type telemetry struct {
	requests    metric.Int64Counter
	events      metric.Int64Counter
	bodyDupes   metric.Int64Counter
	limited     metric.Int64Counter
	passthrough metric.Int64Counter
	passLost    metric.Int64Counter
	unused      metric.Int64Counter
	actionSpans metric.Int64Counter
	inferred    metric.Int64Counter
	late        metric.Int64Counter
	evictions   metric.Int64Counter
	heldRefused metric.Int64Counter
	dropped     metric.Int64Counter
	storeErrors metric.Int64Counter
	skew        metric.Int64Histogram

	id        attribute.KeyValue
	self      metric.AddOption
	eventSets [typeCount][outcomes]metric.AddOption
	spanKinds [spanKinds]metric.AddOption
	verdicts  [3]metric.AddOption

	heldAction, heldView, dedupe metric.AddOption
	byToken, byIP                metric.AddOption
}

func newTelemetry(set receiver.Settings) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{id: attribute.String("receiver", set.ID.String())}
	var errs error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(metricPrefix+name, metric.WithDescription(description), metric.WithUnit(unit))
		errs = errors.Join(errs, err)
		return c
	}
	t.requests = counter("requests", "{request}", "Requests by track and answer.")
	t.events = counter("events", "{event}", "Events by type and what became of them. The outcomes add up to the events received.")
	t.bodyDupes = counter("duplicate_bodies", "{request}", "Requests whose body had been converted before.")
	t.limited = counter("rate_limited", "{request}", "Requests answered 429, by what was exceeded.")
	t.passthrough = counter("passthrough", "{request}", "Requests handed on to Datadog, by track and answer.")
	t.passLost = counter("passthrough_lost", "{request}", "Requests of mode async that Datadog never took.")
	t.unused = counter("unused_requests", "{request}", "Requests of tracks that are neither converted nor handed on: answered 202 and dropped.")
	t.actionSpans = counter("action_spans", "{span}", "Spans made from actions, by kind.")
	t.inferred = counter("inferences", "{event}", "Requests without an action id, by what time told about their cause.")
	t.late = counter("late_events", "{event}", "Events older than max_event_age.")
	t.evictions = counter("evictions", "{item}", "Items that left memory early because it was full, by what they were.")
	t.heldRefused = counter("held_refused", "{item}", "Held actions and views that a pipeline refused for good, or when the receiver stopped.")
	t.dropped = counter("dropped_actions", "{action}", "Actions that were unwanted by name or rate and were no trace's root.")
	t.storeErrors = counter("storage_errors", "{error}", "Writes to the storage extension that did not succeed.")
	skew, err := meter.Int64Histogram(metricPrefix+"skew", metric.WithUnit("ms"),
		metric.WithDescription("How far ahead of the sender's clock the collector's is."),
		metric.WithExplicitBucketBoundaries(-3_600_000, -60_000, -10_000, -2_000, 0, 2_000, 10_000, 60_000, 3_600_000))
	t.skew = skew
	errs = errors.Join(errs, err)

	t.self = t.set()
	for i := range t.eventSets {
		for o := range t.eventSets[i] {
			t.eventSets[i][o] = t.set(attribute.String("type", typeNames[i]), attribute.String("outcome", outcome(o).String())) //nolint:gosec // few
		}
	}
	for i := range t.spanKinds {
		t.spanKinds[i] = t.set(attribute.String("kind", spanKind(i).String())) //nolint:gosec // four
	}
	for i, name := range []string{"none", "found", "ambiguous"} {
		t.verdicts[i] = t.set(attribute.String("result", name))
	}
	t.heldAction, t.heldView, t.dedupe = t.set(attribute.String("item", "action")), t.set(attribute.String("item", "view")), t.set(attribute.String("item", "dedupe_key"))
	t.byToken, t.byIP = t.set(attribute.String("by", "token")), t.set(attribute.String("by", "ip"))
	return t, errs
}

func (t *telemetry) set(attrs ...attribute.KeyValue) metric.AddOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attrs, t.id)...))
}

// gauges reports what is held. The callback is dropped at shutdown.
func (t *telemetry) gauges(set receiver.Settings, r *rum) (metric.Registration, error) {
	meter := set.MeterProvider.Meter(scopeName)
	var errs error
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		g, err := meter.Int64ObservableGauge(metricPrefix+name, metric.WithDescription(description), metric.WithUnit(unit))
		errs = errors.Join(errs, err)
		return g
	}
	items := gauge("held_items", "{item}", "Actions and views held.")
	bytes := gauge("held_size", "By", "Text of the actions and views held.")
	remembered := gauge("dedupe_keys", "{key}", "Events and bodies remembered.")
	queued := gauge("passthrough_queue_size", "By", "Requests waiting to be handed on to Datadog.")
	if errs != nil {
		return nil, errs
	}
	set1 := func(name, value string) metric.ObserveOption {
		return metric.WithAttributeSet(attribute.NewSet(attribute.String(name, value), t.id))
	}
	action, view := set1("item", "action"), set1("item", "view")
	event, body := set1("item", "event"), set1("item", "body")
	self := metric.WithAttributeSet(attribute.NewSet(t.id))
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := r.held.sizes()
		o.ObserveInt64(items, int64(s.actions), action)
		o.ObserveInt64(items, int64(s.views), view)
		o.ObserveInt64(bytes, int64(s.actionBytes), action)
		o.ObserveInt64(bytes, int64(s.viewBytes), view)
		o.ObserveInt64(remembered, int64(r.seen.len()), event)
		o.ObserveInt64(remembered, int64(r.bodies.len()), body)
		o.ObserveInt64(queued, r.pass.queued(), self)
		return nil
	}, items, bytes, remembered, queued)
}

// track is the value of the attribute track: a closed set, whatever strangers name.
func trackAttr(track string) attribute.KeyValue {
	switch track {
	case "rum", "replay", "logs", "profile", "exposures", "flagevaluation", "debugger", "spans", "quota":
		return attribute.String("track", track)
	}
	return attribute.String("track", "other")
}

func codeAttr(code int) attribute.KeyValue { return attribute.String("code", strconv.Itoa(code)) }
