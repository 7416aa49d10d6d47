package jsonlog

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const scopeName = "github.com/otelcol-obs/otelcol-obs/components/jsonlog"

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
	records, unused metric.Int64Counter
	byOutcome       [outcomes][]metric.AddOption
	byReason        [unusedReasons][]metric.AddOption
}

func newTelemetry(set processor.Settings) (t telemetry, err error) {
	meter := set.MeterProvider.Meter(scopeName)
	t.records, err = meter.Int64Counter("otelcol_processor_json_log_records",
		metric.WithDescription("Log records seen, by what became of them."), metric.WithUnit("{record}"))
	var errUnused error
	t.unused, errUnused = meter.Int64Counter("otelcol_processor_json_log_unused_values",
		metric.WithDescription("Values of parsed lines that stand in log.record.original only."), metric.WithUnit("{value}"))
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
	return t, errors.Join(err, errUnused)
}

func (t *telemetry) record(ctx context.Context, seen *tally) {
	for o, n := range seen.records {
		if n > 0 {
			t.records.Add(ctx, n, t.byOutcome[o]...)
		}
	}
	for r, n := range seen.unused {
		if n > 0 {
			t.unused.Add(ctx, n, t.byReason[r]...)
		}
	}
}
