package action

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Kind is how an action was sent: the values of the metric's attribute kind.
type Kind uint8

// The kinds.
const (
	Primary Kind = iota
	Copy
	Placeholder
	Standalone
	Kinds
)

func (k Kind) String() string {
	return [...]string{"primary", "copy", "placeholder", "standalone"}[k]
}

// maxSpanLinks bounds the links between the spans of one action.
const maxSpanLinks = 16

// Span is one span of an action that must leave now. But for Action and index
// it is a snapshot: requests go on changing the entry.
type Span struct {
	Action *Action
	index  int // in Action.Traces, -1 when the action leaves in a trace of its own
	Kind   Kind
	Failed bool // an error names the action

	Line   event.Line // of the action, of a request for a placeholder
	Trace  pcommon.TraceID
	Parent pcommon.SpanID
	Start  pcommon.Timestamp
	Links  []event.Link
}

// ID is the span's own id.
func (s *Span) ID() pcommon.SpanID { return event.ActionSpanID(s.Action.App, s.Action.ID, s.Trace) }

// due lists what of the action must leave at now. When hurry is set, the
// action must make room and does not wait.
func (a *Action) due(cfg *Config, now time.Time, hurry bool, list []Span) []Span {
	kind, before := Primary, len(list)
	if a.Own.Text == "" {
		if !hurry && now.Sub(a.First) < cfg.Missing {
			return list
		}
		kind = Placeholder
	}
	first, found := -1, a.Sent
	for i := range a.Traces {
		if !a.Traces[i].Sent && (first < 0 || a.Traces[i].Start < a.Traces[first].Start) {
			first = i
		}
	}
	for i := range a.Traces {
		switch {
		case a.Traces[i].Sent, kind == Placeholder && a.Traces[i].Beside:
		case kind == Placeholder:
			list = append(list, Span{Action: a, index: i, Kind: Placeholder})
		case i == first && !found:
			list = append(list, Span{Action: a, index: i, Kind: Primary})
		default:
			list = append(list, Span{Action: a, index: i, Kind: Copy})
		}
	}
	if len(list) > before || a.Own.Text == "" || a.Sent || a.Denied && len(a.Others.Waiting) == 0 {
		return list
	}
	// Traces that were sent already were given placeholders: the action is late, and tells so by linking to them.
	if hurry || len(a.Traces) > 0 || cfg.Span == SpanSeparate || now.Sub(a.Arrived) >= cfg.Wait {
		list = append(list, Span{Action: a, index: -1, Kind: Standalone})
	}
	return list
}

// snapshot copies what the span needs of its entry.
func (s *Span) snapshot() {
	a := s.Action
	s.Line, s.Failed = a.Own, a.Failed
	if s.Kind == Placeholder {
		s.Line = a.Others.Child
		// The action may have come to another receiver, which sends it there.
		trace := event.StandaloneTraceID(a.App, a.ID)
		s.Links = append(s.Links, event.Link{Trace: trace, Span: event.ActionSpanID(a.App, a.ID, trace)})
	}
	if s.index >= 0 {
		t := a.Traces[s.index]
		s.Trace, s.Parent, s.Start = t.ID, t.Parent, t.Start
	} else {
		s.Trace = event.StandaloneTraceID(a.App, a.ID)
		s.Links = append(s.Links, a.Links...)
	}
	if a.Sent {
		s.Links = append(s.Links, a.Primary)
	}
	for i := range a.Traces {
		if len(s.Links) >= maxSpanLinks {
			break
		}
		other := &a.Traces[i]
		if i != s.index && other.ID != a.Primary.Trace && !(s.Kind == Placeholder && other.Beside) {
			s.Links = append(s.Links, event.Link{Trace: other.ID, Span: event.ActionSpanID(a.App, a.ID, other.ID)})
		}
	}
}

// markSent notes that the span was sent.
func (s *Span) markSent() {
	a := s.Action
	if s.index >= 0 {
		a.Traces[s.index].Sent = true
	}
	if s.Kind != Placeholder {
		if !a.Sent {
			a.Primary = event.Link{Trace: s.Trace, Span: s.ID()}
		}
		a.Sent = true
	}
}
