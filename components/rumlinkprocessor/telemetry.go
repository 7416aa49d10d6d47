package rumlinkprocessor

import (
	"context"

	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
)

// tally is what one batch counts, added to the instruments once.
type tally struct {
	lookups       [index.Methods][index.Results]int64
	canonicalized int64
	late          int64
	duplicates    int64
	uncounted     int64
	events        [eventOutcomes]int64
	conflicts     [conflictKinds]int64
}

const (
	eventPending = iota
	eventAdded
	eventDropped
	eventOutcomes
)

const (
	conflictHigh = iota
	conflictKey
	conflictRUM
	conflictKinds
)

// telemetry adds tallies to the instruments.
type telemetry struct {
	*metadata.TelemetryBuilder
	self      []metric.AddOption
	lookups   [index.Methods][index.Results][]metric.AddOption
	events    [eventOutcomes][]metric.AddOption
	conflicts [conflictKinds][]metric.AddOption
}

func newTelemetry(set processor.Settings, signal pipeline.Signal) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	o := options{set.ID.String()}
	t := &telemetry{TelemetryBuilder: b, self: o.add()}
	for m := range t.lookups {
		for r := range t.lookups[m] {
			t.lookups[m][r] = o.add("signal", signal.String(), "method", index.Method(m).String(), "result", index.Result(r).String())
		}
	}
	for i, name := range []string{eventPending: "pending", eventAdded: "added", eventDropped: "dropped"} {
		t.events[i] = o.add("outcome", name)
	}
	for i, name := range []string{conflictHigh: "upper_half", conflictKey: "key", conflictRUM: "rum"} {
		t.conflicts[i] = o.add("kind", name)
	}
	return t, nil
}

func (t *telemetry) add(ctx context.Context, n *tally) {
	for m := range n.lookups {
		for r, count := range n.lookups[m] {
			add(ctx, t.ProcessorRumLinkLookups, count, t.lookups[m][r])
		}
	}
	add(ctx, t.ProcessorRumLinkIDCanonicalized, n.canonicalized, t.self)
	add(ctx, t.ProcessorRumLinkLateLogs, n.late, t.self)
	add(ctx, t.ProcessorRumLinkDuplicateLogs, n.duplicates, t.self)
	add(ctx, t.ProcessorRumLinkUncountedLogs, n.uncounted, t.self)
	for i, count := range n.events {
		add(ctx, t.ProcessorRumLinkSpanEvents, count, t.events[i])
	}
	for i, count := range n.conflicts {
		add(ctx, t.ProcessorRumLinkConflicts, count, t.conflicts[i])
	}
}

func add(ctx context.Context, c metric.Int64Counter, n int64, opts []metric.AddOption) {
	if n > 0 {
		c.Add(ctx, n, opts...)
	}
}

// observe is a callback that reports one value.
func observe(opt metric.MeasurementOption, value func() int64) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(value(), opt)
		return nil
	}
}

// options makes the attributes of measurements, once: made anew for every
// measurement they would be an allocation each.
type options struct{ processor string }

func (o options) of(pairs ...string) metric.MeasurementOption {
	attrs := []attribute.KeyValue{attribute.String("processor", o.processor)}
	for i := 0; i < len(pairs); i += 2 {
		attrs = append(attrs, attribute.String(pairs[i], pairs[i+1]))
	}
	return metric.WithAttributeSet(attribute.NewSet(attrs...))
}

// add is of for a counter, as the slice that Add takes.
func (o options) add(pairs ...string) []metric.AddOption { return []metric.AddOption{o.of(pairs...)} }
