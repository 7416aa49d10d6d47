package ddspan

import (
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil"
)

// Trace are all spans of one trace in a batch, over all services.
type Trace struct {
	Spans []*pb.Span
	// marks is parallel to Spans: who says which of them are entry spans.
	marks []marks
}

// marks says who marks the entry spans of a service.
type marks uint8

const (
	byKind   marks = iota // the mapping of OTel spans
	byTracer              // a Datadog tracer, if it marked any span of the trace
	byAgent               // nobody before the Agent
)

// languageNode is that of the one tracer that leaves entry spans to the Agent. It marks no more than the first span of a request.
const languageNode = "nodejs"

// Add adds a span that a process of this language sent.
func (t *Trace) Add(dd *pb.Span, src Source, language string) {
	t.Spans = append(t.Spans, dd)
	by := byTracer
	switch {
	case src == OTel:
		by = byKind
	case language == languageNode:
		by = byAgent
	}
	t.marks = append(t.marks, by)
}

// MarkTopLevel marks the entry spans of each service. Where a tracer marked them, its marks stand. The mapping of OTel spans has
// marked theirs by their kind already.
func (t *Trace) MarkTopLevel() {
	marked := false
	for i, dd := range t.Spans {
		if t.marks[i] != byKind && dd.Metrics[attrTopLevel] == 1 {
			traceutil.UpdateTracerTopLevel(dd)
			marked = marked || t.marks[i] == byTracer
		}
	}
	var service map[uint64]string
	for i, dd := range t.Spans {
		if t.marks[i] == byKind || t.marks[i] == byTracer && marked {
			continue
		}
		if service == nil {
			service = make(map[uint64]string, len(t.Spans))
			for _, s := range t.Spans {
				service[s.SpanID] = s.Service
			}
		}
		if parent, ok := service[dd.ParentID]; dd.ParentID == 0 || !ok || parent != dd.Service {
			traceutil.SetTopLevel(dd, true)
		}
	}
}

// Decision is what the spans of a trace say about its sampling.
type Decision struct {
	Priority    int32
	HasPriority bool
	DM          string
	Origin      string
}

// Decision reads the priority of any span of the trace, the decision maker of the first that has one, and the origin.
func (t *Trace) Decision() Decision {
	var d Decision
	for _, dd := range t.Spans {
		if p, ok := dd.Metrics[attrPriority]; ok && (!d.HasPriority || int32(p) > d.Priority) {
			d.Priority, d.HasPriority = int32(p), true
		}
		if d.DM == "" {
			d.DM = dd.Meta[attrDM]
		}
		if d.Origin == "" {
			d.Origin = dd.Meta[attrOrigin]
		}
	}
	return d
}

// MarkClientRate repeats the rate at which a tracer sampled the trace where the Agent puts it, on the root.
func MarkClientRate(root *pb.Span) {
	if rate, ok := root.Metrics[attrSampleRate]; ok && rate < 1 {
		root.Metrics[attrClientRate] = rate
		return
	}
	delete(root.Metrics, attrClientRate)
}
