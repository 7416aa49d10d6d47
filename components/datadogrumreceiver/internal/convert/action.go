package convert

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
)

// Action writes the span of an action in one trace. e was read from d.Line.
func (w *Writer) Action(e *event.Event, d *action.Span) {
	span := w.span(e, d.Line.From)
	span.SetTraceID(d.Trace)
	span.SetSpanID(d.ID())
	span.SetParentSpanID(d.Parent)
	span.SetKind(ptrace.SpanKindInternal)
	span.SetFlags(flagSampled)
	span.TraceState().FromRaw(traceStateRUM)
	if d.Kind == action.Placeholder {
		w.placeholder(e, span, d)
	} else {
		w.action(e, span, d)
	}
	for _, to := range d.Links {
		addLink(span, to)
	}
}

// placeholder stands for an action that never came: its requests name it as
// their parent. All it can say is what the first of them said of the session.
func (w *Writer) placeholder(e *event.Event, span ptrace.Span, d *action.Span) {
	span.SetName("action")
	span.SetStartTimestamp(d.Start)
	span.SetEndTimestamp(d.Start)
	attrs := span.Attributes()
	attrs.PutStr(attr.ActionID, d.Action.ID)
	attrs.PutStr(attr.ApplicationID, d.Action.App)
	attrs.PutBool(attr.ActionMissing, true)
	for _, at := range []struct{ key, value string }{
		{attr.SessionID, e.Session}, {attr.ViewID, e.View}, {attr.ViewName, e.Text("view", "name")},
		{attr.ViewURL, w.privacy.URL(e.Text("view", "url"))},
	} {
		if at.value != "" {
			attrs.PutStr(at.key, at.value)
		}
	}
}

func (w *Writer) action(e *event.Event, span ptrace.Span, d *action.Span) {
	name := w.privacy.Text(e.Text("action", "target", "name"))
	kind := e.Text("action", "type")
	if kind == "" {
		kind = "action"
	}
	if name != "" {
		kind += " " + name
	}
	span.SetName(kind)
	span.SetStartTimestamp(e.Start)
	span.SetEndTimestamp(e.End)
	w.event(e, true)
	w.text(attr.ReplayURL, w.replay(e))
	w.put(attr.ActionPrimary).SetBool(d.Kind != action.Copy)
	if d.Parent != (pcommon.SpanID{}) {
		span.SetEndTimestamp(e.Start)
		w.put(attr.ActionRole).SetStr("effect")
		w.put(attr.ActionLink).SetStr("inferred")
	}
	w.into(span.Attributes())
	if count, _ := e.Doc.Integer(e.Doc.At("action", "error", "count")); d.Failed || count > 0 {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
}
