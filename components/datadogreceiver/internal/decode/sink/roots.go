package sink

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Root counts the chunks of a payload whose local root is of one service and environment: the span without a parent, or whose parent
// is in another process.
type Root struct {
	Service, Env string
	// Undecided is how many of the chunks have a priority that a tracer derived from a rate: 0 or 1.
	Undecided int
}

// maxRoots bounds the roots of one payload: there are no more services in one than resources.
const maxRoots = MaxResources

// roots collects them.
type roots struct {
	list  []Root
	index map[rootKey]int
	ids   map[pcommon.SpanID]struct{}
}

type rootKey struct{ service, env intern.Sym }

func (r *roots) reset() {
	r.list = nil
	clear(r.index)
}

// Roots are those of the result that was built last, if Options.Roots asked for them.
func (s *Sink) Roots() []Root { return s.roots.list }

// addRoot counts the chunk that ends.
func (s *Sink) addRoot() {
	p := s.localRoot()
	key := s.resources.list[p.resource].key
	env := key.env
	if env == intern.Empty {
		env = s.Payload.Env
	}
	r := &s.roots
	at, ok := r.index[rootKey{key.service, env}]
	if !ok {
		if len(r.list) == maxRoots {
			return
		}
		at = len(r.list)
		r.index[rootKey{key.service, env}] = at
		r.list = append(r.list, Root{Service: s.Values.String(key.service), Env: s.Values.String(env)})
	}
	if c := &s.Chunk; c.HasPriority && (c.Priority == 0 || c.Priority == 1) {
		r.list[at].Undecided++
	}
}

// localRoot finds the root of the chunk: most often the first span or the last one is it.
func (s *Sink) localRoot() *placed {
	spans := s.Chunk.spans
	for i := range spans {
		if s.resources.span(&spans[i]).ParentSpanID().IsEmpty() {
			return &spans[i]
		}
	}
	clear(s.roots.ids)
	for i := range spans {
		s.roots.ids[s.resources.span(&spans[i]).SpanID()] = struct{}{}
	}
	for i := range spans {
		if _, ok := s.roots.ids[s.resources.span(&spans[i]).ParentSpanID()]; !ok {
			return &spans[i]
		}
	}
	return &spans[0]
}
