package payload

import (
	"slices"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil"
	"go.opentelemetry.io/collector/pdata/pcommon"
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

// trace is one trace id of the batch.
type trace struct {
	ddspan.Trace
	chunks []*chunk
}

// chunk are the spans of one trace that one process sent.
type chunk struct {
	of     *tracer
	pb     *pb.TraceChunk
	refs   []Ref
	native bool
}

// tracer is one TracerPayload: all chunks of one process.
type tracer struct {
	payload *pb.TracerPayload
	size    int
}

type chunkKey struct {
	id pcommon.TraceID
	of *tracer
}

// Build groups the spans of a batch by process and trace, and cuts the result.
func (b *Builder) Build(td ptrace.Traces) Result {
	var res Result
	traces := make(map[pcommon.TraceID]*trace)
	chunks := make(map[chunkKey]*chunk)
	tracers := make(map[ddspan.Process]*tracer)
	var order []*trace
	for i, rs := range td.ResourceSpans().All() {
		resource := ddspan.NewResource(rs.Resource(), b.Host)
		from := tracers[resource.Process]
		if from == nil {
			from = &tracer{payload: tracerPayload(resource)}
			tracers[resource.Process] = from
		}
		if from.payload.AppVersion == "" {
			from.payload.AppVersion = resource.AppVersion
		}
		for j, ss := range rs.ScopeSpans().All() {
			for k, span := range ss.Spans().All() {
				ref := Ref{int32(i), int32(j), int32(k)}
				dd, src := b.Mapper.Map(span, resource, ss.Scope())
				if ddspan.Normalize(dd, resource.Language, b.Now, &res.Repairs) != nil {
					res.NoID = append(res.NoID, ref)
					continue
				}
				ddspan.Truncate(dd, &res.Repairs)
				t := traces[span.TraceID()]
				if t == nil {
					t = &trace{}
					traces[span.TraceID()] = t
					order = append(order, t)
				}
				t.Add(dd, src)
				key := chunkKey{span.TraceID(), from}
				c := chunks[key]
				if c == nil {
					c = &chunk{of: from, pb: &pb.TraceChunk{}, native: src != ddspan.OTel}
					chunks[key] = c
					t.chunks = append(t.chunks, c)
				}
				c.pb.Spans = append(c.pb.Spans, dd)
				c.refs = append(c.refs, ref)
			}
		}
	}
	var units []unit
	for _, t := range order {
		t.MarkTopLevel()
		decision := t.Decision()
		for _, c := range t.chunks {
			root := traceutil.GetRoot(c.pb.Spans)
			if b.IgnoreResource != nil && b.IgnoreResource(root.Resource) {
				res.Ignored += len(c.refs)
				continue
			}
			finish(c, root, decision)
			units = append(units, unit{from: c.of, chunk: c.pb, refs: c.refs})
		}
	}
	for _, t := range tracers {
		t.size = t.payload.SizeVT()
	}
	res.Parts = b.cut(units)
	return res
}

func tracerPayload(r *ddspan.Resource) *pb.TracerPayload {
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

// finish writes what the chunk says about the trace. A decision maker that is there is never overwritten.
func finish(c *chunk, root *pb.Span, d ddspan.Decision) {
	ddspan.MarkClientRate(root)
	if tags := c.of.payload.Tags["_dd.tags.process"]; tags != "" && c.native {
		root.Meta["_dd.tags.process"] = tags // tracers write it on the first span, and the Agent leaves it there
	}
	c.pb.Priority, c.pb.Origin = 1, d.Origin
	if d.HasPriority {
		c.pb.Priority = d.Priority
	}
	c.pb.Tags = make(map[string]string, 2)
	if !c.native {
		c.pb.Tags["_dd.otlp_sr"] = "1.00"
		if d.DM == "" && c.pb.Priority > 0 {
			d.DM = "-9"
			if d.HasPriority {
				d.DM = "-4"
			}
			c.pb.Spans[0].Meta["_dd.p.dm"] = d.DM
		}
	}
	if d.DM != "" {
		c.pb.Tags["_dd.p.dm"] = d.DM
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
	slices.SortFunc(refs, Ref.compare)
	out := ptrace.NewTraces()
	var rs ptrace.ResourceSpans
	var ss ptrace.ScopeSpans
	last := Ref{-1, -1, -1}
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
