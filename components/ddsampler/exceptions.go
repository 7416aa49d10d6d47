package ddsampler

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/exceptions"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/memory"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/rates"
)

// except keeps traces that are to be dropped for their errors or their rare shape, and remembers them as kept, so that what comes of them
// later is whole.
func (p *traceSampler) except(b *scratch, td ptrace.Traces, now time.Time, counts *[outcomeCount]int64) {
	chunks := p.chunks(b, td)
	p.memory.Lock(now)
	defer p.memory.Unlock()
	for i := range chunks {
		v, c := &b.verdicts[i], &chunks[i]
		// Every trace is shown: what stays anyway is not rare.
		rare := p.keepRare && p.exceptions.Rare(now, c)
		if v.outcome.keeps() || v.final {
			continue
		}
		was := v.outcome
		if rare {
			v.outcome, v.exception = rareKept, memory.KeptForShape
		} else if rate, keeps := p.exceptions.Error(now, c); keeps {
			v.outcome, v.exception, v.errorRate = errorKept, memory.KeptForError, rate
		} else {
			continue
		}
		if b.Traces[i].HasTH && p.tracestate {
			v.change = eraseTH
		}
		counts[was]--
		counts[v.outcome]++
		p.memory.Put(b.Traces[i].ID, v.exception)
	}
}

// chunks collects what the samplers look at: all traces where shapes count, else only those that are to be dropped and have an error.
func (p *traceSampler) chunks(b *scratch, td ptrace.Traces) []exceptions.Chunk {
	chunks := make([]exceptions.Chunk, len(b.Traces))
	shown := make([]bool, len(b.Traces))
	p.walk(b, td, func(trace int, span ptrace.Span, _ pcommon.Resource) {
		shown[trace] = shown[trace] || p.keepRare || span.Status().Code() == ptrace.StatusCodeError && !b.verdicts[trace].outcome.keeps()
	})
	p.walk(b, td, func(trace int, span ptrace.Span, resource pcommon.Resource) {
		if shown[trace] {
			chunks[trace].Add(span, resource.Attributes(), rates.Env(resource))
		}
	})
	return chunks
}

func (*traceSampler) walk(b *scratch, td ptrace.Traces, visit func(trace int, span ptrace.Span, resource pcommon.Resource)) {
	i := -1
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				i++
				visit(b.TraceOf(i), span, rs.Resource())
			}
		}
	}
}

// markException writes on a span why its trace stays, as an Agent does. It stands on every span, because a sending queue may cut the trace before the next
// sampler.
func markException(span ptrace.Span, v *verdict) {
	switch v.exception {
	case memory.KeptForError:
		span.Attributes().PutDouble(exceptions.ErrorKey, v.errorRate)
	case memory.KeptForShape:
		span.Attributes().PutDouble(exceptions.RareKey, 1)
	}
}
