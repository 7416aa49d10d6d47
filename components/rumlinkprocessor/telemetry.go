package rumlinkprocessor

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const scopeName = "github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor"

// method is how a record was linked.
type method uint8

const (
	methodNone method = iota
	methodSpan
	methodTrace
	methodID64
	methodKey
	methodCount
)

var methodNames = [methodCount]string{"none", "span", "trace", "id64", "key"}

// result is what a lookup came to; a later one tells more than an earlier one.
type result uint8

const (
	resultHit result = iota
	resultNoID
	resultNotFound
	resultStoreFull
	resultExpired
	resultAmbiguous
	resultCount
)

var resultNames = [resultCount]string{"hit", "no_id", "not_found", "store_full", "expired", "ambiguous"}

// tally is what one batch counts, added to the instruments once.
type tally struct {
	lookups       [methodCount][resultCount]int64
	canonicalized int64
	late          int64
	duplicates    int64
	uncounted     int64
	eventsKept    int64
	eventsAdded   int64
	eventsDropped int64
	conflictHi    int64
	conflictKey   int64
	conflictRUM   int64
}

// telemetry is what the processor says about itself.
type telemetry struct {
	lookups       metric.Int64Counter
	canonicalized metric.Int64Counter
	late          metric.Int64Counter
	duplicates    metric.Int64Counter
	uncounted     metric.Int64Counter
	events        metric.Int64Counter
	conflicts     metric.Int64Counter

	self                    []metric.AddOption
	lookupOpts              [methodCount][resultCount][]metric.AddOption
	evKept, evAdded, evDrop []metric.AddOption
	cHi, cKey, cRUM         []metric.AddOption
}

func newTelemetry(set processor.Settings, signal string) (telemetry, error) {
	b := builder{meter: set.MeterProvider.Meter(scopeName), id: attribute.String("processor", set.ID.String())}
	t := telemetry{
		lookups:       b.counter("lookups", "{record}", "Logs, and root spans with a key, by how they were linked or why not."),
		canonicalized: b.counter("id_canonicalized", "{record}", "Logs whose trace id was completed to 128 bits."),
		late:          b.counter("late_logs", "{record}", "Logs whose span had left before they came: the span could not count them."),
		duplicates:    b.counter("duplicate_logs", "{record}", "Logs that had been counted on their span before."),
		uncounted:     b.counter("uncounted_logs", "{record}", "Logs that could not be counted on their span because the store was full."),
		events:        b.counter("span_events", "{event}", "Span events made of logs: pending, added to a span, or dropped over the limit."),
		conflicts:     b.counter("conflicts", "{record}", "Contradictions that were left alone: upper halves of trace ids, keys of another trace, RUM fields."),
		self:          b.add(),
		evKept:        b.add(attribute.String("outcome", "pending")),
		evAdded:       b.add(attribute.String("outcome", "added")),
		evDrop:        b.add(attribute.String("outcome", "dropped")),
		cHi:           b.add(attribute.String("kind", "upper_half")),
		cKey:          b.add(attribute.String("kind", "key")),
		cRUM:          b.add(attribute.String("kind", "rum")),
	}
	for m := range methodCount {
		for r := range resultCount {
			t.lookupOpts[m][r] = b.add(
				attribute.String("signal", signal),
				attribute.String("method", methodNames[m]),
				attribute.String("result", resultNames[r]))
		}
	}
	return t, b.err
}

func (t *telemetry) add(ctx context.Context, n *tally) {
	for m := range n.lookups {
		for r, count := range n.lookups[m] {
			if count > 0 {
				t.lookups.Add(ctx, count, t.lookupOpts[m][r]...)
			}
		}
	}
	add(ctx, t.canonicalized, n.canonicalized, t.self)
	add(ctx, t.late, n.late, t.self)
	add(ctx, t.duplicates, n.duplicates, t.self)
	add(ctx, t.uncounted, n.uncounted, t.self)
	add(ctx, t.events, n.eventsKept, t.evKept)
	add(ctx, t.events, n.eventsAdded, t.evAdded)
	add(ctx, t.events, n.eventsDropped, t.evDrop)
	add(ctx, t.conflicts, n.conflictHi, t.cHi)
	add(ctx, t.conflicts, n.conflictKey, t.cKey)
	add(ctx, t.conflicts, n.conflictRUM, t.cRUM)
}

func add(ctx context.Context, c metric.Int64Counter, n int64, opts []metric.AddOption) {
	if n > 0 {
		c.Add(ctx, n, opts...)
	}
}

// builder makes instruments and remembers the first error.
type builder struct {
	meter metric.Meter
	id    attribute.KeyValue
	err   error
}

func (b *builder) counter(name, unit, description string) metric.Int64Counter {
	c, err := b.meter.Int64Counter("otelcol_processor_rum_link_"+name,
		metric.WithUnit(unit), metric.WithDescription(description))
	b.keep(err)
	return c
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

// add returns the options of a counter, made once: made anew they would be an
// allocation per batch.
func (b *builder) add(attrs ...attribute.KeyValue) []metric.AddOption {
	return []metric.AddOption{b.option(attrs...)}
}

func (b *builder) option(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attrs, b.id)...))
}
