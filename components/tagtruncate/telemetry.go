package tagtruncate

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/tagtruncate/internal/metadata"
)

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

// telemetry counts what was cut; metadata.yaml describes the metrics. Items in
// and out are counted by processorhelper.
type telemetry struct {
	*metadata.TelemetryBuilder
	labels [scopeCount][reasonCount][]metric.AddOption
}

func newTelemetry(set processor.Settings) (t telemetry, err error) {
	t.TelemetryBuilder, err = metadata.NewTelemetryBuilder(set.TelemetrySettings)
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
				t.ProcessorTagTruncateCutValues.Add(ctx, n, labels...)
			case r < itemCount:
				t.ProcessorTagTruncateDroppedAttributes.Add(ctx, n, labels...)
			default:
				t.ProcessorTagTruncateDroppedItems.Add(ctx, n, labels...)
			}
			if b := done.bytes[s][r]; b > 0 {
				t.ProcessorTagTruncateRemovedBytes.Add(ctx, b, labels...)
			}
		}
	}
}
