package datadogrumreceiver

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/sourcemaps"
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
			return eventType(i)
		}
	}
	return typeUnknown
}

// eventCounts is what became of some events.
type eventCounts [typeCount][session.Outcomes]int64

// telemetry is what the receiver counts, with the attributes made once.
type telemetry struct {
	*metadata.TelemetryBuilder
	id attribute.KeyValue // of the receiver

	self      metric.AddOption
	events    [typeCount][session.Outcomes]metric.AddOption
	spanKinds [action.Kinds]metric.AddOption
	verdicts  [infer.Verdicts]metric.AddOption
	mapped    [sourcemaps.Results]metric.AddOption

	heldAction, heldView, heldError, heldSession, dedupe metric.AddOption
}

func newTelemetry(set receiver.Settings) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{TelemetryBuilder: builder, id: attribute.String("receiver", set.ID.String())}
	t.self = t.with()
	for i := range t.events {
		for o := range t.events[i] {
			t.events[i][o] = t.with(attribute.String("type", typeNames[i]), attribute.String("outcome", session.Outcome(o).String()))
		}
	}
	for i := range t.spanKinds {
		t.spanKinds[i] = t.with(attribute.String("kind", action.Kind(i).String()))
	}
	for i := range t.mapped {
		t.mapped[i] = t.with(attribute.String("result", sourcemaps.Result(i).String()))
	}
	for i := range t.verdicts {
		t.verdicts[i] = t.with(attribute.String("result", infer.Verdict(i).String()))
	}
	t.heldAction, t.heldView, t.dedupe = t.with(attribute.String("item", "action")), t.with(attribute.String("item", "view")), t.with(attribute.String("item", "dedupe_key"))
	t.heldError, t.heldSession = t.with(attribute.String("item", "error")), t.with(attribute.String("item", "session"))
	return t, nil
}

func (t *telemetry) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attrs, t.id)...))
}

// batch counts what became of a body's events.
func (t *telemetry) batch(ctx context.Context, in *ingest) {
	for i := range in.counts {
		for o, n := range in.counts[i] {
			if n > 0 {
				t.ReceiverDatadogRumEvents.Add(ctx, n, t.events[i][o])
			}
		}
	}
	for i, n := range in.batch.Inferred {
		if n > 0 {
			t.ReceiverDatadogRumInferences.Add(ctx, n, t.verdicts[i])
		}
	}
	t.stacks(ctx, in.stacks)
	if in.batch.Late > 0 {
		t.ReceiverDatadogRumLateEvents.Add(ctx, in.batch.Late, t.self)
	}
	if in.batch.Forgotten > 0 {
		t.ReceiverDatadogRumEvictions.Add(ctx, in.batch.Forgotten, t.heldSession)
	}
	if in.batch.StorageErrors > 0 {
		t.ReceiverDatadogRumStorageErrors.Add(ctx, in.batch.StorageErrors, t.self)
	}
}

// stacks counts what became of the stacks of errors.
func (t *telemetry) stacks(ctx context.Context, counts [sourcemaps.Results]int64) {
	for i, n := range counts {
		if n > 0 && sourcemaps.Result(i) != sourcemaps.Untouched {
			t.ReceiverDatadogRumSourceMaps.Add(ctx, n, t.mapped[i])
		}
	}
}

// held is what is observed, not counted.
type held struct {
	session.Sizes
	bodies int
	queued int64
}

// observe reports what is held whenever metrics are read, until Shutdown.
func (t *telemetry) observe(now func() held) error {
	item := func(value string) metric.MeasurementOption { return t.with(attribute.String("item", value)) }
	action, view := item("action"), item("view")
	event, body := item("event"), item("body")
	return errors.Join(
		t.RegisterReceiverDatadogRumHeldItemsCallback(func(_ context.Context, o metric.Int64Observer) error {
			h := now()
			o.Observe(int64(h.Actions), action)
			o.Observe(int64(h.Views), view)
			o.Observe(int64(h.Sessions), t.heldSession.(metric.ObserveOption))
			return nil
		}),
		t.RegisterReceiverDatadogRumHeldSizeCallback(func(_ context.Context, o metric.Int64Observer) error {
			h := now()
			o.Observe(int64(h.ActionBytes), action)
			o.Observe(int64(h.ViewBytes), view)
			return nil
		}),
		t.RegisterReceiverDatadogRumDedupeKeysCallback(func(_ context.Context, o metric.Int64Observer) error {
			h := now()
			o.Observe(int64(h.Keys), event)
			o.Observe(int64(h.bodies), body)
			return nil
		}),
		t.RegisterReceiverDatadogRumPassthroughQueueSizeCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(now().queued, t.with())
			return nil
		}))
}
