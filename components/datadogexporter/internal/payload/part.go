package payload

import (
	"maps"
	"slices"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

// Ref says where in a batch a span is.
type Ref = ddspan.Ref

// unit is a chunk, or a part of one, and where its spans came from.
type unit struct {
	from  *tracer
	chunk *pb.TraceChunk
	refs  []Ref
	size  int
}

// Part is what one request to the intake sends.
type Part struct {
	header *Header
	units  []unit
	size   int
	shrunk int
}

// Refs are the spans of the part.
func (p *Part) Refs() []Ref {
	var refs []Ref
	for _, u := range p.units {
		refs = append(refs, u.refs...)
	}
	return refs
}

// Spans is the number of spans of the part.
func (p *Part) Spans() int {
	n := 0
	for _, u := range p.units {
		n += len(u.refs)
	}
	return n
}

// unitOverhead is more than what a chunk and a payload cost beside their bytes.
const unitOverhead = 16

// headerBytes is more than what an AgentPayload says beside its payloads.
const headerBytes = 1024

// cut puts units into parts of at most b.MaxBytes, units of one process next to each other. A chunk that is too large is cut by
// spans, a span that is too large loses the ends of its values.
func (b *Builder) cut(units []unit) []*Part {
	var order []*tracer
	byTracer := make(map[*tracer][]unit)
	for _, u := range units {
		if _, ok := byTracer[u.from]; !ok {
			order = append(order, u.from)
		}
		byTracer[u.from] = append(byTracer[u.from], u)
	}
	var parts []*Part
	current := &Part{header: &b.Header, size: headerBytes}
	flush := func() {
		if len(current.units) > 0 {
			parts = append(parts, current)
		}
		current = &Part{header: &b.Header, size: headerBytes}
	}
	for _, t := range order {
		var last *Part
		queue := byTracer[t]
		for len(queue) > 0 {
			u := queue[0]
			queue = queue[1:]
			if u.size == 0 {
				u.size = u.chunk.SizeVT() + unitOverhead
			}
			need := u.size
			if current != last {
				need += t.size + unitOverhead
			}
			if current.size+need > b.MaxBytes && len(current.units) > 0 {
				flush()
				need = u.size + t.size + unitOverhead
			}
			if current.size+need > b.MaxBytes {
				if halves := u.halve(); halves != nil {
					queue = append(halves, queue...)
					continue
				}
				b.shrink(&u, b.MaxBytes-headerBytes-t.size-unitOverhead)
				need = u.size + t.size + unitOverhead
			}
			current.units = append(current.units, u)
			current.size += need
			last = current
		}
	}
	flush()
	return parts
}

// shrinkTo are the lengths values are cut to, one after the other, when a span is too large on its own.
var shrinkTo = [...]int{5000, 1000, 200}

func (b *Builder) shrink(u *unit, limit int) {
	var done ddspan.Repairs
	for _, n := range shrinkTo {
		for _, dd := range u.chunk.Spans {
			ddspan.Shrink(dd, n, &done)
		}
		if u.size = u.chunk.SizeVT() + unitOverhead; u.size <= limit {
			return
		}
	}
}

// halve cuts a unit by spans. Each half repeats priority, origin and tags. It returns nil for a single span.
func (u unit) halve() []unit {
	n := len(u.chunk.Spans)
	if n < 2 {
		return nil
	}
	part := func(from, to int) unit {
		return unit{from: u.from, refs: u.refs[from:to], chunk: &pb.TraceChunk{
			Priority: u.chunk.Priority, Origin: u.chunk.Origin, Tags: maps.Clone(u.chunk.Tags), Spans: u.chunk.Spans[from:to],
			DroppedTrace: u.chunk.DroppedTrace,
		}}
	}
	return []unit{part(0, n/2), part(n/2, n)}
}

// Halve cuts a part in two, between chunks or within the only one. It returns false for a single span.
func (p *Part) Halve() (a, b *Part, ok bool) {
	units := p.units
	if len(units) == 1 {
		if units = units[0].halve(); units == nil {
			return nil, nil, false
		}
	}
	n := len(units) / 2
	return &Part{header: p.header, units: units[:n]}, &Part{header: p.header, units: units[n:]}, true
}

// Shrink cuts the values of a part's only span further than before. It returns false when there is nothing more to cut.
func (p *Part) Shrink() bool {
	if p.Spans() != 1 || p.shrunk == len(shrinkTo) {
		return false
	}
	var done ddspan.Repairs
	for p.shrunk < len(shrinkTo) {
		ddspan.Shrink(p.units[0].chunk.Spans[0], shrinkTo[p.shrunk], &done)
		p.shrunk++
		if done[ddspan.ValueTruncated] > 0 {
			return true
		}
	}
	return false
}

// Payload is the message of the part.
func (p *Part) Payload() *pb.AgentPayload {
	out := &pb.AgentPayload{
		HostName: p.header.Host, Env: p.header.Env, AgentVersion: p.header.Version,
		TargetTPS: p.header.TargetTPS, ErrorTPS: p.header.ErrorTPS, RareSamplerEnabled: p.header.RareSampler,
	}
	made := make(map[*tracer]*pb.TracerPayload)
	for _, u := range p.units {
		tp := made[u.from]
		if tp == nil {
			f := u.from.payload
			tp = &pb.TracerPayload{
				ContainerID: f.ContainerID, LanguageName: f.LanguageName, LanguageVersion: f.LanguageVersion, TracerVersion: f.TracerVersion,
				Env: f.Env, Hostname: f.Hostname, AppVersion: f.AppVersion, Tags: f.Tags,
			}
			made[u.from] = tp
			out.TracerPayloads = append(out.TracerPayloads, tp)
		}
		tp.Chunks = append(tp.Chunks, u.chunk)
	}
	return out
}

// Languages are those of the part's tracers, as a header wants them.
func (p *Part) Languages() []string {
	var list []string
	for _, u := range p.units {
		if l := u.from.payload.LanguageName; l != "" && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	slices.Sort(list)
	return list
}
