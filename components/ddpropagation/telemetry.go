package ddpropagation

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/metadata"
)

// outcome is what became of one id. The set is closed: it is a label of a metric.
type outcome uint8

const (
	absent           outcome = iota // there is none, or a placeholder says so
	mapped                          // written to the span, link or record
	unchanged                       // already there, or already complete
	invalid                         // no id in any known form
	outOfRange                      // a number too large for an id
	precisionLoss                   // a floating-point number that may have lost digits
	malformedTID                    // `_dd.p.tid` is not 16 lower-case hex digits
	tidMismatch                     // `_dd.p.tid` contradicts the upper half the span has
	tidCollision                    // two upper halves are known for one lower half
	conflictExisting                // another id is there and stays
	lateTID                         // `_dd.p.tid` came after a span of the trace had gone on without
	outcomeCount
)

func (o outcome) String() string {
	return [outcomeCount]string{"absent", "mapped", "unchanged", "invalid", "out_of_range", "precision_loss",
		"malformed_tid", "tid_mismatch", "tid_collision", "conflict_existing", "late_tid"}[o]
}

// tally counts one batch in local memory: by source, then by outcome.
type tally [maxSources + 9][outcomeCount]int64

// telemetry is what one pipeline's processor says about itself. Items in and out are counted by processorhelper.
type telemetry struct {
	ids metric.Int64Counter
	// options[source][outcome] are the attributes of that count, made once.
	options [][outcomeCount][]metric.AddOption
}

// newTelemetry makes the counter. The index of a source in a tally is its index in sources.
func newTelemetry(set processor.Settings, signal string, sources []string) (telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return telemetry{}, err
	}
	options := make([][outcomeCount][]metric.AddOption, len(sources))
	for i, source := range sources {
		for o := range outcomeCount {
			options[i][o] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(
				attribute.String("processor", set.ID.String()),
				attribute.String("signal", signal),
				attribute.String("source", source),
				attribute.String("outcome", o.String()),
			))}
		}
	}
	return telemetry{ids: builder.ProcessorDdPropagationIds, options: options}, nil
}

// add reports a batch's counts.
func (t *telemetry) add(ctx context.Context, counts *tally) {
	for source := range t.options {
		for o, n := range counts[source] {
			if n > 0 {
				t.ids.Add(ctx, n, t.options[source][o]...)
			}
		}
	}
}

// stateTelemetry counts what became of the `dd` members of tracestate.
type stateTelemetry struct {
	states  metric.Int64Counter
	options [stateOutcomeCount][]metric.AddOption
}

func newStateTelemetry(set processor.Settings) (stateTelemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return stateTelemetry{}, err
	}
	t := stateTelemetry{states: builder.ProcessorDdPropagationTracestates}
	for o := range stateOutcomeCount {
		t.options[o] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(
			attribute.String("processor", set.ID.String()),
			attribute.String("outcome", o.String()),
		))}
	}
	return t, nil
}

func (t *stateTelemetry) add(ctx context.Context, counts *[stateOutcomeCount]int64) {
	for o, n := range counts {
		if n > 0 && stateOutcome(o) != stateNothing {
			t.states.Add(ctx, n, t.options[o]...)
		}
	}
}
