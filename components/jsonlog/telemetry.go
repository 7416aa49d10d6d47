package jsonlog

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/jsonlog/internal/metadata"
)

// outcome is what became of one log record.
type outcome int

const (
	parsed  outcome = iota
	plain           // no JSON object in sight
	done            // log.record.original says that someone has parsed the line before
	invalid         // begins with { and is not a JSON object
	tooLarge
	tooDeep
	tooMany
	outcomes
)

var outcomeNames = [outcomes]string{"parsed", "plain", "already_parsed", "invalid", "too_large", "too_deep", "too_many_values"}

// unused is why a value of a parsed line stands only in log.record.original.
type unused int

const (
	existing  unused = iota // the record has an attribute of that name with another value
	duplicate               // the line names the key again further on
	unusedReasons
)

var unusedNames = [unusedReasons]string{"existing_attribute", "duplicate_key"}

// tally counts what was done to one batch.
type tally struct {
	records [outcomes]int64
	unused  [unusedReasons]int64
}

// telemetry is what the processor says about itself. Items in and out are
// counted by processorhelper; only what is particular to JSON lines is here.
type telemetry struct {
	builder   *metadata.TelemetryBuilder
	byOutcome [outcomes][]metric.AddOption
	byReason  [unusedReasons][]metric.AddOption
}

func newTelemetry(set processor.Settings) (t telemetry, err error) {
	if t.builder, err = metadata.NewTelemetryBuilder(set.TelemetrySettings); err != nil {
		return t, err
	}
	self := attribute.String("processor", set.ID.String())
	label := func(key, value string) []metric.AddOption {
		return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(self, attribute.String(key, value)))}
	}
	for o, name := range outcomeNames {
		t.byOutcome[o] = label("outcome", name)
	}
	for r, name := range unusedNames {
		t.byReason[r] = label("reason", name)
	}
	return t, nil
}

func (t *telemetry) record(ctx context.Context, seen *tally) {
	for o, n := range seen.records {
		if n > 0 {
			t.builder.ProcessorJSONLogRecords.Add(ctx, n, t.byOutcome[o]...)
		}
	}
	for r, n := range seen.unused {
		if n > 0 {
			t.builder.ProcessorJSONLogUnusedValues.Add(ctx, n, t.byReason[r]...)
		}
	}
}
