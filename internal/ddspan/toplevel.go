package ddspan

import (
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil"
)

// Trace are all spans of one trace in a batch, over all services.
type Trace struct {
	Spans []*pb.Span
	// Native is parallel to Spans: which of them a Datadog tracer made.
	Native []bool
}

// Add adds a span.
func (t *Trace) Add(dd *pb.Span, src Source) {
	t.Spans = append(t.Spans, dd)
	t.Native = append(t.Native, src != OTel)
}

// MarkTopLevel marks the entry spans of each service. Where a tracer marked them, its marks stand. The mapping of OTel spans has
// marked theirs by their kind already.
func (t *Trace) MarkTopLevel() {
	marked, natives := false, 0
	for i, dd := range t.Spans {
		if t.Native[i] {
			natives++
			marked = marked || dd.Metrics[attrTopLevel] == 1
		}
	}
	if natives == 0 {
		return
	}
	if marked {
		for i, dd := range t.Spans {
			if t.Native[i] {
				traceutil.UpdateTracerTopLevel(dd)
			}
		}
		return
	}
	service := make(map[uint64]string, len(t.Spans))
	for _, dd := range t.Spans {
		service[dd.SpanID] = dd.Service
	}
	for i, dd := range t.Spans {
		if !t.Native[i] {
			continue
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
