package ddpropagation

import "github.com/otelcol-obs/otelcol-obs/internal/ddid"

// hearText takes the first ids of a text.
func (p *logProcessor) hearText(text string, id *identity, counts *tally) bool {
	if !p.cfg.Body.Text {
		return false
	}
	ids := ddid.FindInText(text)
	if ids.Form == ddid.NoForm {
		return false
	}
	var span field
	if ids.HasSpan {
		span = textOf(ids.Span)
	}
	p.hear(p.bodyText+int(ids.Form)-1, ids.Key, id, textOf(ids.Trace), span, counts)
	return true
}

// textLabels are the sources of ids in texts, in the order of ddid's forms.
var textLabels = []string{"body.text", "body.text.json", "body.text.traceparent", "body.text.bare", "body.text.spring"}
