package ddspan

import (
	"cmp"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Ref says where in a batch a span is.
type Ref struct{ Resource, Scope, Span int32 }

// Compare orders refs as their spans are in the batch.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Resource, o.Resource), cmp.Compare(r.Scope, o.Scope), cmp.Compare(r.Span, o.Span))
}

// Tracer is a process that sent spans.
type Tracer struct {
	Process
	// AppVersion is the version of the process's own service.
	AppVersion string
}

// Chunk are the spans of one trace that one process sent, as a Datadog tracer would send them.
type Chunk struct {
	From  *Tracer
	Spans []*pb.Span
	// Refs is parallel to Spans.
	Refs     []Ref
	Native   bool
	Root     *pb.Span
	Decision Decision
}

// Batch is a batch of spans, grouped.
type Batch struct {
	Chunks  []*Chunk
	Repairs Repairs
	// NoID are the spans that Datadog has no place for.
	NoID []Ref
}

// trace is one trace id of a batch.
type trace struct {
	Trace
	chunks []*Chunk
}

type chunkKey struct {
	id   pcommon.TraceID
	from *Tracer
}

// Group maps the spans of a batch and groups them by process and trace. What is said once for a trace, its decision and its
// top-level spans, is worked out from all its spans, of whatever process.
func (m *Mapper) Group(td ptrace.Traces, host string, now func() time.Time) Batch {
	var out Batch
	traces := make(map[pcommon.TraceID]*trace)
	chunks := make(map[chunkKey]*Chunk)
	tracers := make(map[Process]*Tracer)
	var order []*trace
	for i, rs := range td.ResourceSpans().All() {
		resource := NewResource(rs.Resource(), host)
		from := tracers[resource.Process]
		if from == nil {
			from = &Tracer{Process: resource.Process}
			tracers[resource.Process] = from
		}
		if from.AppVersion == "" {
			from.AppVersion = resource.AppVersion
		}
		for j, ss := range rs.ScopeSpans().All() {
			for k, span := range ss.Spans().All() {
				ref := Ref{int32(i), int32(j), int32(k)}
				dd, src := m.Map(span, resource, ss.Scope())
				if Normalize(dd, resource.Language, now, &out.Repairs) != nil {
					out.NoID = append(out.NoID, ref)
					continue
				}
				if dd.Type == "sql" || dd.Type == "cassandra" {
					dd.Meta["sql.query"] = dd.Resource // as the Agent does
				}
				Truncate(dd, &out.Repairs)
				t := traces[span.TraceID()]
				if t == nil {
					t = &trace{}
					traces[span.TraceID()] = t
					order = append(order, t)
				}
				t.Add(dd, src, resource.Language)
				key := chunkKey{span.TraceID(), from}
				c := chunks[key]
				if c == nil {
					c = &Chunk{From: from, Native: src != OTel}
					chunks[key] = c
					t.chunks = append(t.chunks, c)
				}
				c.Spans = append(c.Spans, dd)
				c.Refs = append(c.Refs, ref)
			}
		}
	}
	for _, t := range order {
		t.MarkTopLevel()
		decision := t.Decision()
		for _, c := range t.chunks {
			c.Root, c.Decision = root(c.Spans), decision
			out.Chunks = append(out.Chunks, c)
		}
	}
	return out
}

// root is the span that what is said of the whole chunk is written on: the last without a parent, since some tracers send the root
// last, else the first whose parent is not in the chunk. The Agent's takes any of those, which would differ between two attempts.
func root(spans []*pb.Span) *pb.Span {
	for i := len(spans) - 1; i >= 0; i-- {
		if spans[i].ParentID == 0 {
			return spans[i]
		}
	}
	there := make(map[uint64]struct{}, len(spans))
	for _, s := range spans {
		there[s.SpanID] = struct{}{}
	}
	for _, s := range spans {
		if _, ok := there[s.ParentID]; !ok {
			return s
		}
	}
	return spans[len(spans)-1]
}
