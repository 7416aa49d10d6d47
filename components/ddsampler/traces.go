package ddsampler

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/facts"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/otstate"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

const (
	// sampledKey is written as false on what a dropped trace left behind.
	sampledKey = "trace_sampled"
	// singleSpanKey is written as true on a span that stays without its trace: a backend must not call the trace complete.
	singleSpanKey = "sampling.single_span"

	// thresholdMaker is Datadog's word for a decision that came with OTLP.
	thresholdMaker = "-9"
)

type traceSampler struct {
	*shared
	mode       string
	tracestate bool
	scratch    sync.Pool
}

// scratch is what one batch needs: what its spans say, and the verdict on each of its traces.
type scratch struct {
	facts.Batch
	verdicts []verdict
	// written[i] is the last resource, counted from 1, in which the Datadog attributes of trace i were written.
	written []int32
}

func newTraceSampler(s *shared, cfg *Config) *traceSampler {
	return &traceSampler{shared: s, mode: cfg.Mode, tracestate: cfg.Tracestate, scratch: sync.Pool{New: func() any { return &scratch{} }}}
}

// processTraces walks twice: a trace's spans may stand in any order and under several resources, and the highest priority counts for all.
func (p *traceSampler) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	b := p.scratch.Get().(*scratch)
	defer p.release(b)
	for _, rs := range td.ResourceSpans().All() {
		rate := p.rates.OfResource(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				b.Add(span, rate)
			}
		}
	}
	var traces, spans [outcomeCount]int64
	changes := p.decide(b, &traces)
	if p.exceptions != nil && (p.keepRare || traces[dropped]+traces[undecidedDropped] > 0) {
		p.except(b, td, time.Now(), &traces)
	}
	if changes {
		p.apply(b, td, &spans)
	} else {
		spans[kept] = int64(td.SpanCount())
	}
	p.countTraces(ctx, &traces)
	p.countSpans(ctx, &spans)
	if td.ResourceSpans().Len() == 0 {
		return td, processorhelper.ErrSkipProcessingData
	}
	return td, nil
}

func (p *traceSampler) release(b *scratch) {
	b.Reset()
	if cap(b.Traces) == 0 {
		b.verdicts, b.written = nil, nil
	}
	p.scratch.Put(b)
}

// decide fills the verdicts and reports whether any of them asks for a change.
func (p *traceSampler) decide(b *scratch, counts *[outcomeCount]int64) (changes bool) {
	b.verdicts, b.written = b.verdicts[:0], b.written[:0]
	p.memory.Lock(time.Now())
	defer p.memory.Unlock()
	for i := range b.Traces {
		t := &b.Traces[i]
		before, fresh := p.memory.Get(t.ID)
		v := recall(judge(t, p.mode == modeProbabilistic), before)
		now := remembered(v)
		if before.IsException() && now.Keeps() {
			now = before // a chunk that comes later may be one to drop again
		}
		if now != before || !fresh {
			p.memory.Put(t.ID, now)
		}
		if !p.tracestate {
			v.change = leave
		}
		b.verdicts, b.written = append(b.verdicts, v), append(b.written, 0)
		counts[v.outcome]++
		changes = changes || !v.outcome.keeps() || v.exception.IsException() || v.change != leave || p.tracestate && (t.Broken || t.HasTH && !t.HasPriority)
	}
	return changes
}

// apply removes the spans of dropped traces, and writes on those of kept ones with what probability they were kept.
func (p *traceSampler) apply(b *scratch, td ptrace.Traces, counts *[outcomeCount]int64) {
	i, resource := -1, int32(0)
	w := stateWriter{trace: -1}
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		resource++
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				i++
				trace := b.TraceOf(i)
				v := &b.verdicts[trace]
				if v.outcome.keeps() {
					counts[kept]++
					markException(span, v)
					if p.tracestate {
						w.write(span, trace, &b.Traces[trace], v)
						if !b.Traces[trace].HasPriority && b.written[trace] != resource && describe(span) {
							b.written[trace] = resource
						}
					}
					return false
				}
				return p.drop(span, counts)
			})
			return ss.Spans().Len() == 0
		})
		return rs.ScopeSpans().Len() == 0
	})
}

// drop reports whether a span of a dropped trace goes.
func (p *traceSampler) drop(span ptrace.Span, counts *[outcomeCount]int64) bool {
	switch {
	case p.mode == modeMark:
		span.Attributes().PutBool(sampledKey, false)
		counts[marked]++
	case facts.IsSingle(span):
		span.Attributes().PutBool(singleSpanKey, true)
		counts[singleSpan]++
	default:
		counts[dropped]++
		return true
	}
	return false
}

// stateWriter writes the ot member. The spans of a trace tend to have one tracestate, so the last text is used again.
type stateWriter struct {
	trace    int
	was, now string
}

func (w *stateWriter) write(span ptrace.Span, trace int, t *facts.Trace, v *verdict) {
	if v.change == leave && !t.Broken {
		return
	}
	state := span.TraceState().AsRaw()
	if w.trace != trace || w.was != state {
		w.trace, w.was, w.now = trace, state, newState(state, t.Low(), v)
	}
	if w.now != state {
		span.TraceState().FromRaw(w.now)
	}
}

// newState returns the tracestate of a kept trace's span. A valid th stands, whoever wrote it: the trace was thinned before. A broken rv or th goes.
func newState(state string, low uint64, v *verdict) string {
	m := otstate.Read(state)
	switch {
	case v.change == leave:
	case v.change == eraseTH:
		if !m.HasTH && !m.Broken {
			return state
		}
		m.HasTH = false
	case m.HasTH && (v.outcome != undecidedKept || m.TH >= v.th):
		if !m.Broken {
			return state
		}
	case m.HasRV && m.RV < v.th:
		return state // another randomness decided: this threshold would contradict it
	default:
		m.TH, m.HasTH = v.th, true
		if !m.HasRV {
			m.RV, m.HasRV = otstate.Randomness(low, v.th), true
		}
	}
	return otstate.Write(state, m)
}

// describe gives a span whose SDK decided, and says so in its tracestate only, the attributes that Datadog's backend reads. It reports whether the
// span has a threshold.
func describe(span ptrace.Span) bool {
	state := span.TraceState().AsRaw()
	m := otstate.Read(state)
	if !m.HasTH {
		return false
	}
	rate := otstate.Probability(m.TH)
	attrs := span.Attributes()
	attrs.EnsureCapacity(attrs.Len() + 4)
	attrs.PutDouble(ddid.PriorityKey, 1)
	putIfAbsent(attrs, facts.DecisionMakerKey, makerOf(state))
	putIfAbsent(attrs, facts.KnuthRateKey, strconv.FormatFloat(roundRate(rate), 'f', -1, 64))
	attrs.PutDouble(facts.SampleRateKey, rate)
	return true
}

// makerOf returns the decision maker that the dd member of tracestate names.
func makerOf(state string) string {
	if member, ok := ddcontext.FindMember(state); ok {
		data, _ := ddcontext.ParseMember(member)
		if maker, ok := data.Tags.Get(facts.DecisionMakerKey); ok {
			return maker
		}
	}
	return thresholdMaker
}

func putIfAbsent(attrs pcommon.Map, key, value string) {
	if _, there := attrs.Get(key); !there {
		attrs.PutStr(key, value)
	}
}

// roundRate leaves the six decimals that Datadog's tracers write.
func roundRate(rate float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'f', 6, 64), 64)
	if err != nil {
		return rate
	}
	return r
}
