package ddpropagation

import (
	"strings"

	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

const (
	textTraceID = "dd.trace_id="
	textSpanID  = "dd.span_id="
)

// hearText takes the first trace id of a text.
func (p *logProcessor) hearText(text string, id *identity, counts *tally) bool {
	if !p.cfg.Body.Text {
		return false
	}
	trace, traces := textToken(text, textTraceID)
	if traces == 0 {
		return false
	}
	span, spans := textToken(text, textSpanID)
	var spanField field
	switch {
	case spans == 0:
	case traces == 1 && spans == 1:
		spanField = textOf(span)
	default:
		spanField = field{kind: refusedField, refused: invalid} // nobody can tell which span goes with which trace
	}
	p.hear(p.bodyText, ddid.DatadogKey, id, textOf(trace), spanField, counts)
	return true
}

// textToken returns the value after the first name that stands alone, x.dd.trace_id= and add.trace_id= being other names, and whether
// there are 0, 1 or 2 and more different ones.
func textToken(text, name string) (first string, different int) {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return first, different
		}
		i += from
		from = i + len(name)
		if i > 0 && isNameByte(text[i-1]) {
			continue
		}
		token := tokenAt(text[from:])
		if different == 0 {
			first, different = token, 1
		} else if token != first {
			return first, 2
		}
	}
}

// tokenAt returns the quoted text, or the run up to a delimiter, that s begins with.
func tokenAt(s string) string {
	for _, quote := range []string{`"`, `\"`, `'`} {
		if rest, ok := strings.CutPrefix(s, quote); ok {
			s, _, _ = strings.Cut(rest, quote)
			return s
		}
	}
	if strings.HasPrefix(s, "%X{") || strings.HasPrefix(s, "${") {
		if i := strings.IndexByte(s, '}'); i >= 0 {
			return s[:i+1] // a pattern nobody resolved
		}
	}
	for i := range len(s) {
		if s[i] <= ' ' || strings.IndexByte(",;|\"'[](){}<>", s[i]) >= 0 {
			return s[:i]
		}
	}
	return s
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
