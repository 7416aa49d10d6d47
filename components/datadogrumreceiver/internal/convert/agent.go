package convert

import "github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"

// agent writes who sent the event. Apps say themselves which system and device
// they run on; a browser's request says it for the page.
func (w *Writer) agent(e *event.Event, a *event.Agent) {
	if a == nil {
		return
	}
	w.put("user_agent.original").SetStr(a.Original)
	if e.Source != "browser" {
		return
	}
	w.text("user_agent.name", a.Name)
	w.text("user_agent.version", a.Version)
	if len(a.Brands) > 0 {
		brands := w.put("browser.brands").SetEmptySlice()
		for _, brand := range a.Brands {
			brands.AppendEmpty().SetStr(brand)
		}
	}
	w.text("browser.platform", a.Platform)
	w.put("browser.mobile").SetBool(a.Mobile)
	w.text("os.type", a.OS.Type)
	if e.Doc.At("os", "name") < 0 {
		w.text("os.name", a.OS.Name)
		w.text("os.version", a.OS.Version)
	}
	if e.Doc.At("device", "model") < 0 {
		w.text("device.model.identifier", a.Device)
	}
}

// text writes what is not empty.
func (w *Writer) text(key, value string) {
	if value != "" {
		w.put(key).SetStr(value)
	}
}
