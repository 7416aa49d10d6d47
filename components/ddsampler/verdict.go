package ddsampler

import (
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/facts"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/memory"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/otstate"
)

// outcome is what was decided about a trace, or became of a span or log record. The set is closed: it is a label of a metric.
type outcome uint8

const (
	kept outcome = iota
	dropped
	undecidedKept
	undecidedDropped
	lateKeep
	errorKept
	rareKept
	singleSpan
	marked
	unknown
	outcomeCount
)

func (o outcome) String() string {
	return [outcomeCount]string{"kept", "dropped", "undecided_kept", "undecided_dropped", "late_keep", "error_kept", "rare_kept", "single_span", "marked", "unknown"}[o]
}

func (o outcome) keeps() bool { return o != dropped && o != undecidedDropped }

// verdict is what was decided about one trace of a batch, and how its probability is written.
type verdict struct {
	outcome outcome
	change  change
	th      uint64
	// final means that somebody wants the trace dropped, whatever it holds.
	final bool
	// exception says that a trace is kept that was to be dropped, for an error at errorRate.
	exception memory.Verdict
	errorRate float64
}

// change is what is to become of the threshold in the tracestate of a kept trace's spans.
type change uint8

const (
	leave change = iota
	writeTH
	eraseTH
)

// judge decides about a trace by what its spans say.
//
//	kept by a sampler before this one, for an error or a rare shape      kept
//	priority <= 0                                                     dropped
//	priority 2; or 1 with a rate, a threshold or a maker other than -0   kept
//	no priority, and a threshold: its SDK decided                     kept
//	neither, and a priority in the dd member of tracestate            as that priority
//	everything else: nobody decided                                   by undecided_rate
func judge(t *facts.Trace, probabilistic bool) verdict {
	d := t.Decision()
	switch {
	case t.Maker == facts.ExceptionMaker:
		v := verdict{outcome: kept}
		if t.HasTH {
			v.change = eraseTH
		}
		return v
	case probabilistic:
		return undecided(t)
	case d.Known && d.Priority <= 0:
		return verdict{outcome: dropped, final: d.Priority < 0}
	case d.Known && d.Priority == 1 && d.Maker <= facts.DefaultMaker && !d.HasRate && !t.HasTH,
		!d.Known && !t.HasTH:
		return undecided(t)
	}
	v := verdict{outcome: kept}
	switch {
	case d.Maker == facts.ForcedMaker, d.Priority >= 2 && !t.HasRate():
		if t.HasTH {
			v.change = eraseTH
		}
	case t.HasRate() && t.Rate > 0:
		v.change, v.th = writeTH, otstate.Threshold(t.Rate)
	}
	return v
}

func undecided(t *facts.Trace) verdict {
	if !otstate.Keeps(t.Low(), t.UndecidedRate) {
		return verdict{outcome: undecidedDropped}
	}
	v := verdict{outcome: undecidedKept}
	switch {
	case t.UndecidedRate < 1:
		v.change, v.th = writeTH, otstate.Threshold(t.UndecidedRate)
	case t.HasRate() && t.Rate > 0:
		v.change, v.th = writeTH, otstate.Threshold(t.Rate)
	}
	return v
}

// recall brings a verdict together with the one that is remembered about the trace: what was kept stays kept, a decision to keep is obeyed
// however late it comes, and nobody's decision follows whatever was decided before.
func recall(v verdict, before memory.Verdict) verdict {
	switch {
	case before.Keeps() && !v.outcome.keeps():
		v = verdict{outcome: kept}
		if before.IsException() {
			v.exception, v.errorRate, v.change = before, 1, eraseTH // what stays for its trace is not thinned again
		}
		return v
	case before == memory.Dropped && v.outcome == undecidedKept:
		return verdict{outcome: dropped}
	case before == memory.Dropped && v.outcome == kept:
		v.outcome = lateKeep
	}
	return v
}

func remembered(v verdict) memory.Verdict {
	switch {
	case v.exception.IsException():
		return v.exception
	case v.outcome.keeps():
		return memory.Kept
	}
	return memory.Dropped
}
