package payload

import (
	"slices"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

// MaxBytes is how large a payload may be before compression. https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/writer/trace.go
const MaxBytes = 3_200_000

// Header is what every payload of this collector says of its sender.
type Header struct {
	Host, Env, Version  string
	TargetTPS, ErrorTPS float64
	RareSampler         bool
}

// Builder makes parts of batches.
type Builder struct {
	Mapper *ddspan.Mapper
	Header Header
	// Host is that of resources that name none.
	Host string
	// MaxBytes is that of one part, before compression.
	MaxBytes int
	Now      func() time.Time
	// IgnoreResource reports whether a trace whose root has this resource is not sent.
	IgnoreResource func(resource string) bool
}

// Result is what became of a batch.
type Result struct {
	Parts   []*Part
	Repairs ddspan.Repairs
	// NoID are the spans that Datadog has no place for.
	NoID []Ref
	// Ignored is the number of spans whose root has an ignored resource.
	Ignored int
}

// tracer is one TracerPayload: all chunks of one process.
type tracer struct {
	payload *pb.TracerPayload
	size    int
}

// Build groups the spans of a batch by process and trace, and cuts the result.
func (b *Builder) Build(td ptrace.Traces) Result {
	batch := b.Mapper.Group(td, b.Host, b.Now)
	res := Result{Repairs: batch.Repairs, NoID: batch.NoID}
	tracers := make(map[*ddspan.Tracer]*tracer)
	var units []unit
	for _, c := range batch.Chunks {
		if b.IgnoreResource != nil && b.IgnoreResource(c.Root.Resource) {
			res.Ignored += len(c.Refs)
			continue
		}
		from := tracers[c.From]
		if from == nil {
			from = &tracer{payload: tracerPayload(c.From)}
			from.size = from.payload.SizeVT()
			tracers[c.From] = from
		}
		units = append(units, unit{from: from, chunk: traceChunk(c), refs: c.Refs})
	}
	res.Parts = b.cut(units)
	return res
}

func tracerPayload(r *ddspan.Tracer) *pb.TracerPayload {
	p := &pb.TracerPayload{
		ContainerID: r.ContainerID, LanguageName: r.Language, LanguageVersion: r.LanguageVersion, TracerVersion: r.TracerVersion,
		Env: r.Env, Hostname: r.Host, AppVersion: r.AppVersion,
	}
	tag := func(key, value string) {
		if value == "" {
			return
		}
		if p.Tags == nil {
			p.Tags = make(map[string]string, 2)
		}
		p.Tags[key] = value
	}
	tag("_dd.tags.container", r.ContainerTags)
	tag("_dd.tags.process", r.ProcessTags)
	return p
}

// traceChunk writes what the chunk says about the trace. A decision maker that is there is never overwritten.
func traceChunk(c *ddspan.Chunk) *pb.TraceChunk {
	d := c.Decision
	out := &pb.TraceChunk{Priority: 1, Origin: d.Origin, Spans: c.Spans, Tags: make(map[string]string, 2)}
	ddspan.MarkClientRate(c.Root)
	if tags := c.From.ProcessTags; tags != "" && c.Native {
		c.Root.Meta["_dd.tags.process"] = tags // tracers write it on the first span, and the Agent leaves it there
	}
	if d.HasPriority {
		out.Priority = d.Priority
	}
	if !c.Native {
		out.Tags["_dd.otlp_sr"] = "1.00"
		if d.DM == "" && out.Priority > 0 {
			d.DM = "-9"
			if d.HasPriority {
				d.DM = "-4"
			}
			c.Spans[0].Meta["_dd.p.dm"] = d.DM
		}
	}
	if d.DM != "" {
		out.Tags["_dd.p.dm"] = d.DM
	}
	if c.Native {
		withoutRepeats(c, out)
	}
	return out
}

// withoutRepeats leaves the decision about a trace on its root alone, and of Java and Python also the process. The datadog receiver repeats the
// decision on every span, because a queue cuts traces; Datadog reads it from the chunk.
func withoutRepeats(c *ddspan.Chunk, out *pb.TraceChunk) {
	const dm, keptRate, priority = "_dd.p.dm", "_dd.p.ksr", "_sampling_priority_v1"
	rate := c.Root.Meta[keptRate]
	everySpan := c.From.Language == "nodejs" || c.From.Language == "go" // these write the priority on each
	for _, s := range out.Spans {
		if s == c.Root {
			continue
		}
		if s.Meta[dm] == out.Tags[dm] {
			delete(s.Meta, dm)
		}
		if s.Meta[keptRate] == rate {
			delete(s.Meta, keptRate)
		}
		if p, ok := s.Metrics[priority]; ok && !everySpan && int32(p) == out.Priority {
			delete(s.Metrics, priority)
		}
		if c.From.Language == "java" || c.From.Language == "python" {
			delete(s.Meta, "language")
			delete(s.Meta, "runtime-id")
		}
	}
}

// Rest returns the spans of a batch that parts hold, as a batch.
func Rest(td ptrace.Traces, parts []*Part) ptrace.Traces {
	var refs []Ref
	for _, p := range parts {
		for _, u := range p.units {
			refs = append(refs, u.refs...)
		}
	}
	return Pick(td, refs)
}

// Pick returns some spans of a batch, as a batch in the same order.
func Pick(td ptrace.Traces, refs []Ref) ptrace.Traces {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, Ref.Compare)
	out := ptrace.NewTraces()
	var rs ptrace.ResourceSpans
	var ss ptrace.ScopeSpans
	last := Ref{Resource: -1}
	for _, ref := range refs {
		from := td.ResourceSpans().At(int(ref.Resource))
		if ref.Resource != last.Resource {
			rs = out.ResourceSpans().AppendEmpty()
			from.Resource().CopyTo(rs.Resource())
			rs.SetSchemaUrl(from.SchemaUrl())
			last.Scope = -1
		}
		scope := from.ScopeSpans().At(int(ref.Scope))
		if ref.Scope != last.Scope {
			ss = rs.ScopeSpans().AppendEmpty()
			scope.Scope().CopyTo(ss.Scope())
			ss.SetSchemaUrl(scope.SchemaUrl())
		}
		scope.Spans().At(int(ref.Span)).CopyTo(ss.Spans().AppendEmpty())
		last = ref
	}
	return out
}
