package convert

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// View writes the record of one view, and one for each web vital it measured,
// which it returns. partial says that parts of the view are missing.
func (w *Writer) View(e *event.Event, from *event.Origin, partial, late bool) []vitals.Vital {
	lr := w.record(e, from)
	lr.SetEventName("rum.view")
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	w.event(e, false)
	if partial {
		w.put(attr.ViewPartial).SetBool(true)
	}
	if late {
		w.put(attr.Late).SetBool(true)
	}
	w.into(lr.Attributes())
	found := vitals.Read(e, from)
	for i := range found {
		w.vital(e, from, &found[i])
	}
	return found
}

// vital writes the record of one web vital of the view e.
func (w *Writer) vital(e *event.Event, from *event.Origin, v *vitals.Vital) {
	lr := w.record(e, from)
	lr.SetEventName("browser.web_vital")
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	attrs := lr.Attributes()
	attrs.EnsureCapacity(7)
	attrs.PutStr("browser.web_vital.name", v.Name())
	attrs.PutDouble("browser.web_vital.value", v.Value)
	attrs.PutStr(attr.ApplicationID, e.App)
	attrs.PutStr(attr.SessionID, e.Session)
	attrs.PutStr(attr.ViewID, e.View)
	if name := e.Text("view", "name"); name != "" {
		attrs.PutStr(attr.ViewName, name)
	}
	attrs.PutStr(attr.ViewURL, w.privacy.URL(e.Text("view", "url")))
}
