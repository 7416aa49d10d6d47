// Package sampling leaves out the traces that tracers decided not to keep, but for those a Datadog Agent would keep all the same:
// some with errors, a few of each rare shape, and single spans that were sampled on their own.
//
// Libraries: the samplers of datadog-agent's pkg/trace/sampler, which are functions of time and of what they saw.
package sampling

import (
	"sync"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"github.com/DataDog/datadog-agent/pkg/trace/sampler"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

// What is remembered of traces that were kept or left out, for parts of them that come later and do not say.
const (
	maxDecisions = 100_000
	decisionTTL  = time.Minute
)

// Rates are those of an Agent.
type Rates struct {
	ErrorTPS float64
	Rare     bool
}

// Sampler decides about traces.
type Sampler struct {
	errors *sampler.ErrorsSampler
	rare   *sampler.RareSampler

	mu      sync.Mutex
	dropped *ttlset.Set[uint64]
}

// New returns a sampler.
func New(r Rates) *Sampler {
	conf := &config.AgentConfig{
		ExtraSampleRate: 1, ErrorTPS: r.ErrorTPS,
		RareSamplerEnabled: r.Rare, RareSamplerTPS: 5, RareSamplerCooldownPeriod: 5 * time.Minute, RareSamplerCardinality: 200,
	}
	return &Sampler{errors: sampler.NewErrorsSampler(conf), rare: sampler.NewRareSampler(conf), dropped: ttlset.NewSet[uint64](maxDecisions, decisionTTL)}
}

// Result says what was done, by reason.
type Result struct {
	// LeftOut are spans.
	LeftOut map[string]int
	// Kept are chunks that would have been left out.
	Kept map[string]int
}

// Sample removes from td, whose groups are in b, what is not kept.
func (s *Sampler) Sample(b ddspan.Batch, td ptrace.Traces, now time.Time) Result {
	res := Result{LeftOut: map[string]int{}, Kept: map[string]int{}}
	leave := map[ddspan.Ref]bool{}
	for _, c := range b.Chunks {
		decided := decidedKeep(c) // before the samplers write the same marks
		rare := s.rare.Sample(now, &pb.TraceChunk{Spans: c.Spans}, c.From.Env)
		reason, kept := s.verdict(c, decided, rare, now)
		if kept != "" {
			res.Kept[kept]++
			mark(td, c)
		}
		if reason == "" {
			continue
		}
		for i, span := range c.Spans {
			if span.Metrics["_dd.span_sampling.mechanism"] == 8 {
				single(td, c.Refs[i])
				res.Kept["single_span"]++
				continue
			}
			leave[c.Refs[i]] = true
			res.LeftOut[reason]++
		}
	}
	if len(leave) > 0 {
		remove(td, leave)
	}
	return res
}

// verdict is why a chunk is left out, or else why one is kept that its tracer would not keep.
func (s *Sampler) verdict(c *ddspan.Chunk, decided, rare bool, now time.Time) (leftOut, kept string) {
	id := c.Spans[0].TraceID
	s.mu.Lock()
	defer s.mu.Unlock()
	switch d := c.Decision; {
	case decided:
		return "", ""
	case !d.HasPriority:
		if s.dropped.Has(id, now) {
			return "earlier_part", ""
		}
		return "", ""
	case d.Priority > 0:
		s.dropped.Remove(id)
		return "", ""
	case d.Priority < 0:
		s.dropped.Add(id, now)
		return "user_drop", ""
	case rare:
		return "", "rare"
	case hasError(c) && s.errors.Sample(now, c.Spans, c.Root, c.From.Env):
		return "", "error"
	}
	s.dropped.Add(id, now)
	return "unsampled", ""
}

// decidedKeep reports whether somebody before kept the chunk although its tracer did not.
func decidedKeep(c *ddspan.Chunk) bool {
	for _, span := range c.Spans {
		if _, ok := span.Metrics["_dd.errors_sr"]; ok || span.Metrics["_dd.rare"] == 1 {
			return true
		}
	}
	return false
}

func hasError(c *ddspan.Chunk) bool {
	for _, span := range c.Spans {
		if span.Error != 0 {
			return true
		}
	}
	return false
}

func spanAt(td ptrace.Traces, r ddspan.Ref) ptrace.Span {
	return td.ResourceSpans().At(int(r.Resource)).ScopeSpans().At(int(r.Scope)).Spans().At(int(r.Span))
}

// mark writes what the samplers wrote on the spans they were shown.
func mark(td ptrace.Traces, c *ddspan.Chunk) {
	for i, span := range c.Spans {
		for _, key := range [...]string{"_dd.errors_sr", "_dd.rare"} {
			if v, ok := span.Metrics[key]; ok {
				spanAt(td, c.Refs[i]).Attributes().PutDouble(key, v)
			}
		}
	}
}

// single makes a span that stays alone one that Datadog keeps.
func single(td ptrace.Traces, r ddspan.Ref) {
	spanAt(td, r).Attributes().PutDouble("_sampling_priority_v1", 2)
}

// remove takes spans out of a batch.
func remove(td ptrace.Traces, leave map[ddspan.Ref]bool) {
	i := int32(-1)
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		i++
		j := int32(-1)
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			j++
			k := int32(-1)
			ss.Spans().RemoveIf(func(ptrace.Span) bool {
				k++
				return leave[ddspan.Ref{Resource: i, Scope: j, Span: k}]
			})
			return ss.Spans().Len() == 0
		})
		return rs.ScopeSpans().Len() == 0
	})
}
