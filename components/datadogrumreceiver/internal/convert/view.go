package convert

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// View writes the record of one version of a view. partial says that parts of
// the view are missing.
func (w *Writer) View(e *event.Event, from *event.Origin, partial, late bool) {
	lr := w.viewRecord(e, from, "rum.view", late)
	w.event(e, false)
	w.text("url.template", vitals.Template(e.Text("view", "url")))
	if partial {
		w.put(attr.ViewPartial).SetBool(true)
	}
	if late {
		w.put(attr.Late).SetBool(true)
	}
	w.into(lr.Attributes())
}

// viewRecord begins a record that belongs to a view.
func (w *Writer) viewRecord(e *event.Event, from *event.Origin, name string, late bool) plog.LogRecord {
	lr := w.record(e, from)
	lr.SetEventName(name)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	if !late {
		setSpan(lr, event.ViewSpan(e.App, e.View))
	}
	return lr
}

// ofView writes which view a record belongs to.
func (w *Writer) ofView(e *event.Event, attrs pcommon.Map) {
	attrs.PutStr(attr.ApplicationID, e.App)
	attrs.PutStr(attr.SessionID, e.Session)
	attrs.PutStr(attr.ViewID, e.View)
	if name := e.Text("view", "name"); name != "" {
		attrs.PutStr(attr.ViewName, name)
	}
	attrs.PutStr(attr.ViewURL, w.privacy.URL(e.Text("view", "url")))
}

// Vital writes the record of one web vital of the view e.
// https://opentelemetry.io/docs/specs/semconv/browser/events/
func (w *Writer) Vital(e *event.Event, from *event.Origin, v *vitals.Vital, late bool) {
	lr := w.viewRecord(e, from, "browser.web_vital", late)
	attrs := lr.Attributes()
	attrs.EnsureCapacity(11)
	attrs.PutStr("browser.web_vital.name", v.Name())
	attrs.PutDouble("browser.web_vital.value", v.Value)
	attrs.PutDouble("browser.web_vital.delta", v.Delta)
	attrs.PutStr("browser.web_vital.id", e.View+"-"+v.Name())
	if target := v.Target(e); target != "" {
		attrs.PutStr("browser.web_vital.target", target)
	}
	w.ofView(e, attrs)
	if template := vitals.Template(e.Text("view", "url")); template != "" {
		attrs.PutStr("url.template", template)
	}
}

// loadTimes are the moments of a load, in the order in which they usually come.
var loadTimes = []string{
	"first_byte", "first_contentful_paint", "dom_interactive", "dom_content_loaded", "dom_complete", "load_event", "largest_contentful_paint",
}

// IsLoaded reports whether the view e says how long it took to load.
func IsLoaded(e *event.Event) bool {
	view := e.Doc.At("view")
	return e.Doc.Child(view, "loading_time") >= 0 || e.Doc.Child(view, "load_event") >= 0
}

// Load writes the span of a view's load: the root of what the page reports
// without a trace of its own.
func (w *Writer) Load(e *event.Event, from *event.Origin) {
	span := w.span(e, from)
	id := event.ViewSpan(e.App, e.View)
	span.SetTraceID(id.Trace)
	span.SetSpanID(id.Span)
	span.SetKind(ptrace.SpanKindInternal)
	span.SetFlags(flagSampled)
	span.TraceState().FromRaw(traceStateRUM)
	span.SetName(loadName(e))
	span.SetStartTimestamp(e.Start)
	view := e.Doc.At("view")
	end := e.Start
	if took, ok := e.Doc.Integer(e.Doc.Child(view, "loading_time")); ok && took > 0 {
		end = after(e.Start, took)
	}
	for _, name := range loadTimes {
		took, ok := e.Doc.Integer(e.Doc.Child(view, name))
		if !ok || took < 0 {
			continue
		}
		moment := span.Events().AppendEmpty()
		moment.SetName(name)
		moment.SetTimestamp(after(e.Start, took))
		if name == "load_event" {
			end = max(end, moment.Timestamp())
		}
	}
	span.SetEndTimestamp(end)
	attrs := span.Attributes()
	w.ofView(e, attrs)
	if template := vitals.Template(e.Text("view", "url")); template != "" {
		attrs.PutStr("url.template", template)
	}
	if replay := w.replay(e); replay != "" {
		attrs.PutStr(attr.ReplayURL, replay)
	}
	if id := e.Text("usr", "id"); id != "" && w.privacy.User.ID == "keep" {
		attrs.PutStr(attr.UserID, id)
	}
}

func loadName(e *event.Event) string {
	switch {
	case e.Source != "browser":
		return "screen.load"
	case e.Text("view", "loading_type") == "route_change":
		return "browser.route_change"
	}
	return "browser.document_load"
}

// after is start and some nanoseconds, start when that is beyond what time can say.
func after(start pcommon.Timestamp, nanoseconds int64) pcommon.Timestamp {
	if end := int64(start) + nanoseconds; end >= int64(start) {
		return pcommon.Timestamp(end)
	}
	return start
}

// maxFlags bounds the records of one view.
const maxFlags = 100

// Flags writes a record for each feature flag that the view e evaluated.
// https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/
func (w *Writer) Flags(e *event.Event, from *event.Origin, late bool) {
	doc := &e.Doc
	parent := w.fields.get(eventRoot, "feature_flags")
	n := 0
	for i := range doc.Members(doc.At("feature_flags")) {
		f := w.fields.get(parent, doc.Key(i))
		if n++; f.rule == ruleDrop || n > maxFlags {
			continue
		}
		lr := w.viewRecord(e, from, "feature_flag.evaluation", late)
		attrs := lr.Attributes()
		attrs.PutStr("feature_flag.key", f.name)
		w.value(doc, i, f, attrs.PutEmpty("feature_flag.result.value"))
		w.ofView(e, attrs)
	}
}
