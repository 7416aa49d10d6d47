package datadogrumreceiver

import (
	"context"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/sourcemaps"
)

// maxBatchValues bounds the memory of one conversion: a body with more values
// is converted in several steps.
const maxBatchValues = 100_000

// ingest is the work on one body. It is reused; its tables outlive bodies.
type ingest struct {
	reader   event.Reader
	writer   *convert.Writer
	sessions *session.Sessions
	maps     *sourcemaps.Store
	out      *pipelines

	maxEvent int // bytes
	batch    session.Batch
	counts   eventCounts
	stacks   [sourcemaps.Results]int64
}

// run converts body. What from says is true for all of the body's events.
func (in *ingest) run(ctx context.Context, body string, from *event.Origin) intake.Verdict {
	in.batch.Origin = from
	if !utf8.ValidString(body) {
		body = strings.ToValidUTF8(body, "\uFFFD")
	}
	allowed, seen := 0, 0
	for body != "" {
		in.begin()
		for body != "" && in.reader.Size() < maxBatchValues {
			var line string
			line, body, _ = strings.Cut(body, "\n")
			line = strings.Trim(line, " \t\r")
			if line == "" {
				continue
			}
			seen++
			if in.read(line) != session.Forbidden {
				allowed++
			}
		}
		err := in.convert(ctx)
		in.tally(err != nil)
		if err != nil {
			return intake.Verdict{Retry: true, Reason: err.Error()}
		}
	}
	if seen > 0 && allowed == 0 {
		return intake.Verdict{Forbidden: true, Reason: "client token may not report for this application"}
	}
	return intake.Verdict{}
}

// begin starts an empty batch.
func (in *ingest) begin() {
	in.reader.Reset()
	in.writer.Begin()
	in.batch.Items = in.batch.Items[:0]
}

// read reads one line into the batch and returns what became of it so far.
func (in *ingest) read(line string) session.Outcome {
	kind, outcome := "", session.Bad
	it := in.batch.Next()
	if len(line) <= in.maxEvent {
		if doc, err := in.reader.Read(line); err == nil {
			err = it.Read(doc, line, in.batch.Origin.Shift)
			switch kind = it.Kind; {
			case kind == event.TypeTelemetry:
				outcome = session.Unconverted
			case err != nil:
			case !in.batch.Origin.MayReport(it.App):
				outcome = session.Forbidden
			default:
				return session.Converted
			}
		}
	}
	in.batch.Drop()
	in.counts[typeOf(kind)][outcome]++
	return outcome
}

// convert turns the events that were read into OTLP, hands it on and then
// holds what must be held. After an error the sender shall come again.
func (in *ingest) convert(ctx context.Context) error {
	b := &in.batch
	if err := in.sessions.Open(b); err != nil {
		return err
	}
	for i := range b.Items {
		it := &b.Items[i]
		if it.Done {
			continue
		}
		if it.Kind == event.TypeError && !it.Place.Waits {
			it.Place.Stack = in.symbolicate(&it.Event)
		}
		it.Signals = in.writer.Event(&it.Event, b.Origin, &it.Place)
		if it.Signals.None() && it.Kind == event.TypeResource && !it.Place.Waits {
			it.Outcome = session.Dropped
		}
	}
	tracesErr, logsErr := in.handOn(ctx)
	in.sessions.Settle(b, tracesErr == nil, logsErr == nil)
	switch {
	case logsErr != nil && tracesErr == nil:
		in.sessions.SpansSent(b)
		return logsErr
	case tracesErr != nil:
		return tracesErr
	}
	return in.sessions.Hold(ctx, b)
}

// symbolicate returns the stack of an error in its source, "" when it is not known.
func (in *ingest) symbolicate(e *event.Event) string {
	stack, result, _ := in.maps.Symbolicate(e.Text("service"), e.Text("version"), e.Text("error", "stack"), in.batch.Now)
	in.stacks[result]++
	return stack
}

// handOn gives the pipelines what was written and returns why they did not take
// it for now. A permanent refusal is final: the SDK could only send the same again.
func (in *ingest) handOn(ctx context.Context) (tracesErr, logsErr error) {
	if tracesErr = in.out.consumeTraces(ctx, in.writer.Traces(), in.writer.Spans()); consumererror.IsPermanent(tracesErr) {
		tracesErr = nil
		in.refused(func(of event.Signals) bool { return of.Span })
	}
	if logsErr = in.out.consumeLogs(ctx, in.writer.Logs(), in.writer.Records()); consumererror.IsPermanent(logsErr) {
		logsErr = nil
		in.refused(func(of event.Signals) bool { return of.Record })
	}
	return tracesErr, logsErr
}

func (in *ingest) refused(affected func(event.Signals) bool) {
	for i := range in.batch.Items {
		if it := &in.batch.Items[i]; affected(it.Signals) {
			it.Outcome = session.Refused
		}
	}
}

// tally counts the events once their fate is known.
func (in *ingest) tally(retry bool) {
	for i := range in.batch.Items {
		it := &in.batch.Items[i]
		outcome := it.Outcome
		if retry {
			outcome = session.Deferred
		}
		in.counts[typeOf(it.Kind)][outcome]++
	}
}

// forget lets go of the body and keeps the tables for the next. It reports
// false when this body made them too large to keep.
func (in *ingest) forget() bool {
	const maxKeptEvents = 1000
	if cap(in.batch.Items) > maxKeptEvents {
		return false
	}
	in.begin()
	in.batch.Forget()
	in.counts, in.stacks = eventCounts{}, [sourcemaps.Results]int64{}
	return true
}
