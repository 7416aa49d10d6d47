// Package exceptions chooses the traces that stay although they are to be dropped, as a Datadog Agent chooses them: some with errors, so
// many a second over all kinds of errors, and a few of each rare shape of spans.
//
// Libraries: the samplers of datadog-agent's pkg/trace/sampler, which are functions of time and of what they saw.
package exceptions

import (
	"sync"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"github.com/DataDog/datadog-agent/pkg/trace/sampler"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil"
)

// Attributes a Datadog Agent writes on what it kept, and Datadog's backend reads.
const (
	ErrorKey = "_dd.errors_sr"
	RareKey  = "_dd.rare"
)

const (
	// rareTTL is how long a shape is not rare after it was last seen.
	rareTTL = 5 * time.Minute
	// maxShapes bounds the shapes of a service; beyond, they are counted modulo this.
	maxShapes = 200
	// maxServices bounds the services whose shapes are remembered. What others send is not rare.
	maxServices = 2000
)

// Why says why a trace stays.
type Why uint8

// The reasons.
const (
	No Why = iota
	Error
	Rare
)

// Sampler chooses. Its methods are safe for several goroutines.
type Sampler struct {
	errors *sampler.ErrorsSampler
	rare   *sampler.RareSampler

	mu       sync.Mutex
	services map[service]struct{}
	began    time.Time
	newRare  func() *sampler.RareSampler
}

type service struct{ name, env string }

// New returns a Sampler that keeps so many traces a second.
func New(errorsPerSecond float64, rarePerSecond int) *Sampler {
	conf := &config.AgentConfig{
		ExtraSampleRate: 1, ErrorTPS: errorsPerSecond,
		RareSamplerEnabled: rarePerSecond > 0, RareSamplerTPS: rarePerSecond, RareSamplerCooldownPeriod: rareTTL, RareSamplerCardinality: maxShapes,
	}
	s := &Sampler{errors: sampler.NewErrorsSampler(conf), services: map[service]struct{}{}}
	s.newRare = func() *sampler.RareSampler { return sampler.NewRareSampler(conf) }
	s.rare = s.newRare()
	return s
}

// Rare reports whether a chunk has a span of a shape that was not seen lately. Every chunk is to be shown, those that stay anyway too:
// what they have is not rare.
func (s *Sampler) Rare(now time.Time, c *Chunk) bool {
	if len(c.entries) == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The library forgets no service, so all are forgotten together when there are too many, but not before what they sent is old.
	if len(s.services) >= maxServices && now.Sub(s.began) >= rareTTL {
		s.rare = s.newRare()
		clear(s.services)
	}
	if len(s.services) == 0 {
		s.began = now
	}
	known := c.entries[:0]
	for _, span := range c.entries {
		if s.remember(service{span.Service, c.env}) {
			known = append(known, span)
		}
	}
	return s.rare.Sample(now, &pb.TraceChunk{Spans: known}, c.env)
}

func (s *Sampler) remember(v service) bool {
	if _, ok := s.services[v]; ok {
		return true
	}
	if len(s.services) >= maxServices {
		return false
	}
	s.services[v.clone()] = struct{}{}
	return true
}

// Error reports whether a chunk with an error stays, and the rate it was kept with.
func (s *Sampler) Error(now time.Time, c *Chunk) (rate float64, keeps bool) {
	if !c.hasError {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	root := traceutil.GetRoot(c.spans)
	keeps = s.errors.Sample(now, c.spans, root, c.env)
	return root.Metrics[ErrorKey], keeps
}

// Services returns how many services are remembered.
func (s *Sampler) Services() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.services)
}
