package ddpropagation

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

const (
	tagPrefix = "_dd.p."
	originKey = "_dd.origin"

	upstreamServicesKey = "_dd.p.upstream_services"

	sampledFlag = 1
)

// describe writes the span's priority, origin and tags where W3C keeps them. The attributes stay, for tracestate has room for 256 bytes only.
func (p *traceProcessor) describe(b *batch, span ptrace.Span) {
	priority, hasPriority := priorityOf(span.Attributes())
	if p.cfg.SampledFlag && hasPriority {
		flags := span.Flags() &^ sampledFlag
		if priority > 0 {
			flags |= sampledFlag
		}
		span.SetFlags(flags)
	}
	if p.cfg.Tracestate == tracestateUpsert {
		b.states[upsertMember(span, priority, hasPriority)]++
	}
}

// stateOutcome is what became of one span's tracestate. The set is closed: it is a label of a metric.
type stateOutcome uint8

const (
	stateNothing   stateOutcome = iota // the span says nothing that belongs there
	stateWritten                       // all of it is there now
	stateUnchanged                     // all of it was there
	stateCut                           // what did not fit into 256 bytes is left out
	stateOutcomeCount
)

func (o stateOutcome) String() string {
	return [stateOutcomeCount]string{"nothing", "written", "unchanged", "cut"}[o]
}

// upsertMember adds what the attributes say to the `dd` member of tracestate. What only the member says stays.
func upsertMember(span ptrace.Span, priority int, hasPriority bool) stateOutcome {
	state := span.TraceState().AsRaw()
	member, _ := ddcontext.FindMember(state)
	data, _ := ddcontext.ParseMember(member)

	says, lost := hasPriority, false
	if hasPriority {
		data.Priority, data.HasPriority = priority, true
	}
	for key, v := range span.Attributes().All() {
		if v.Type() != pcommon.ValueTypeStr {
			continue
		}
		if key == originKey && v.Str() != "" {
			data.Origin = v.Str()
			says = true
		}
		if strings.HasPrefix(key, tagPrefix) && key != tidKey { // which belongs to the trace id
			tags, ok := data.Tags.With(key, v.Str())
			if ok {
				data.Tags = tags
				says = true
			}
			// A value that no header can carry is left out, and so is what old tracers wrote for nobody.
			lost = lost || !ok && key != upstreamServicesKey
		}
	}
	if !says {
		if lost {
			return stateCut
		}
		return stateNothing
	}
	value, complete := data.AppendMember(nil)
	updated := ddcontext.SetMember(state, string(value))
	outcome := stateUnchanged
	if updated != state {
		span.TraceState().FromRaw(updated)
		outcome = stateWritten
	}
	if !complete || lost {
		return stateCut
	}
	return outcome
}

// priorityOf reads the sampling priority from where receivers put it, the most exact first.
func priorityOf(attrs pcommon.Map) (int, bool) {
	for _, key := range []string{ddid.PriorityKey, ddid.OtherPriorityKey} {
		if v, ok := attrs.Get(key); ok {
			return ddid.Priority(v)
		}
	}
	return 0, false
}
