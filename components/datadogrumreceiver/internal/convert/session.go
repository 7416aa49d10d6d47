package convert

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// The events of a session.
// https://opentelemetry.io/docs/specs/semconv/general/session/
const (
	SessionStart = "session.start"
	SessionEnd   = "session.end"
)

// Session writes that a session began or is over, as part of the view of e.
func (w *Writer) Session(e *event.Event, from *event.Origin, name string, at pcommon.Timestamp, late bool) {
	lr := w.viewRecord(e, from, name, late)
	lr.SetTimestamp(at)
	attrs := lr.Attributes()
	attrs.PutStr(attr.SessionID, e.Session)
	attrs.PutStr(attr.ApplicationID, e.App)
	attrs.PutStr(attr.ViewID, e.View)
	if id := e.Text("usr", "id"); id != "" && w.privacy.User.ID == "keep" {
		attrs.PutStr(attr.UserID, id)
	}
	if late {
		attrs.PutBool(attr.Late, true)
	}
}
