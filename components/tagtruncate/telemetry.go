package tagtruncate

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const scopeName = "github.com/otelcol-obs/otelcol-obs/components/tagtruncate"

// scope is where something was cut; reason is which limit asked for it.
type (
	scope  int
	reason int
)

const (
	inResource scope = iota
	inScope
	inSpan
	inEvent
	inLink
	inLog
	inDataPoint
	scopeCount
)

const (
	// Values that were changed.
	valueLength reason = iota
	keyLength
	nameLength
	statusLength
	bodyLength
	depth
	stripQuery
	hashed
	invalidUTF8
	// Attributes that were removed.
	attributeCount
	dropRule
	keyCollision
	// Events, links and elements of arrays and nested maps that were removed.
	itemCount
	elementCount
	reasonCount
)

var (
	scopeNames  = [scopeCount]string{"resource", "scope", "span", "event", "link", "log", "data_point"}
	reasonNames = [reasonCount]string{
		"value_length", "key_length", "name_length", "status_length", "body_length",
		"depth", "strip_query", "hash", "invalid_utf8",
		"attribute_count", "rule", "key_collision", "count", "element_count",
	}
)

// tally counts what was done to one batch.
type tally struct {
	dirty bool
	noted bool // the debug log is on
	n     [scopeCount][reasonCount]int64
	bytes [scopeCount][reasonCount]int64
}

func (t *tally) add(s scope, r reason, bytes int) {
	t.dirty = true
	t.n[s][r]++
	// A hash or a repair may make a value longer; nothing was removed then.
	if bytes > 0 {
		t.bytes[s][r] += int64(bytes)
	}
}

// telemetry is what the processor says about itself. Items in and out are
// counted by processorhelper; only what is particular to truncation is here.
type telemetry struct {
	cut, dropped, items, removed metric.Int64Counter
	labels                       [scopeCount][reasonCount][]metric.AddOption
}

func newTelemetry(set processor.Settings) (t telemetry, err error) {
	meter := set.MeterProvider.Meter(scopeName)
	counter := func(name, description, unit string) metric.Int64Counter {
		c, e := meter.Int64Counter("otelcol_processor_tag_truncate_"+name,
			metric.WithDescription(description), metric.WithUnit(unit))
		err = errors.Join(err, e)
		return c
	}
	t.cut = counter("cut_values", "Values, keys, names and bodies changed to fit a limit or a rule.", "{value}")
	t.dropped = counter("dropped_attributes", "Attributes removed.", "{attribute}")
	t.items = counter("dropped_items", "Span events, links and elements of arrays and nested maps removed.", "{item}")
	t.removed = counter("removed_bytes", "Bytes of strings cut away.", "By")
	for s := range scopeCount {
		for r := range reasonCount {
			t.labels[s][r] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(
				attribute.String("processor", set.ID.String()),
				attribute.String("scope", scopeNames[s]),
				attribute.String("reason", reasonNames[r])))}
		}
	}
	return t, err
}

func (t *telemetry) record(ctx context.Context, done *tally) {
	if !done.dirty {
		return
	}
	for s := range scopeCount {
		for r := range reasonCount {
			n := done.n[s][r]
			if n == 0 {
				continue
			}
			labels := t.labels[s][r]
			switch {
			case r < attributeCount:
				t.cut.Add(ctx, n, labels...)
			case r < itemCount:
				t.dropped.Add(ctx, n, labels...)
			default:
				t.items.Add(ctx, n, labels...)
			}
			if b := done.bytes[s][r]; b > 0 {
				t.removed.Add(ctx, b, labels...)
			}
		}
	}
}
