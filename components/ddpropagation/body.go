package ddpropagation

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/ddcontext"
)

const (
	textTraceID = "dd.trace_id="
	textSpanID  = "dd.span_id="
)

var jsonParsers fastjson.ParserPool

// hearBody takes ids from the body and reports whether it held any. The body of a record is a map or a text; a text may be a JSON object.
func (p *logProcessor) hearBody(body pcommon.Value, id *identity, h *hits, counts *tally) bool {
	switch body.Type() {
	case pcommon.ValueTypeMap:
		return p.cfg.Body.Map && p.hearMap(body.Map(), id, h, counts)
	case pcommon.ValueTypeStr:
		text := body.Str()
		if !strings.Contains(text, "trace_id") {
			return false
		}
		if p.cfg.Body.JSON {
			if heard, isObject := p.hearJSON(text, id, counts); isObject {
				return heard
			}
		}
		return p.hearText(text, id, counts)
	}
	return false
}

func (p *logProcessor) hearMap(m pcommon.Map, id *identity, h *hits, counts *tally) bool {
	p.finder.scan(m, h)
	heard := h.found != 0
	for h.found != 0 {
		source := h.next()
		pair := p.finder.pairs[source]
		p.hear(p.bodyMap, pair.family, id, fieldOf(h.values[source]), fieldIn(m, pair.SpanID), counts)
	}
	if !heard {
		for _, v := range m.All() {
			if v.Type() == pcommon.ValueTypeStr && p.hearText(v.Str(), id, counts) {
				return true
			}
		}
	}
	return heard
}

// hearJSON does for a JSON object what hearMap does for a map. Only the object's own members count, fields or texts: what is nested deeper
// than a source says may be about another event.
func (p *logProcessor) hearJSON(text string, id *identity, counts *tally) (heard, isObject bool) {
	text = strings.TrimLeft(text, " \t\r\n")
	if len(text) > p.cfg.Body.MaxBodyBytes || text == "" || text[0] != '{' {
		return false, false
	}
	parser := jsonParsers.Get()
	defer jsonParsers.Put(parser)
	doc, err := parser.Parse(text)
	if err != nil {
		return false, false
	}
	members, _ := doc.Object()
	fields := p.finder.scanJSON(members)
	for source, pair := range p.finder.pairs {
		if fields[source].kind == noField {
			continue
		}
		heard = true
		var spanField field
		if pair.SpanID != "" {
			spanField = jsonField(doc, pair.SpanID)
		}
		p.hear(p.bodyJSON, pair.family, id, fields[source], spanField, counts)
	}
	if !heard {
		members.Visit(func(_ []byte, v *fastjson.Value) {
			if !heard && v.Type() == fastjson.TypeString {
				heard = p.hearText(string(v.GetStringBytes()), id, counts)
			}
		})
	}
	return heard, true
}

// scanJSON finds the trace ids in a JSON object as scan does in a map, in one pass over its members. Of a name given twice the last counts,
// as other JSON parsers have it.
func (f *finder) scanJSON(members *fastjson.Object) (fields [maxSources]field) {
	var ranks [maxSources]int
	members.Visit(func(key []byte, v *fastjson.Value) {
		if !f.mayBeRoot(string(key)) {
			return
		}
		for _, r := range f.roots[string(key)] {
			if fields[r.source].kind != noField && ranks[r.source] < r.rank {
				continue
			}
			found := jsonField(v, r.rest)
			// The same name again replaces what it said before, even by nothing.
			if found.kind != noField || ranks[r.source] == r.rank {
				fields[r.source], ranks[r.source] = found, r.rank
			}
		}
	})
	return fields
}

// jsonField follows path into a JSON value as findIn does into a map; an empty path ends at the value itself.
func jsonField(v *fastjson.Value, path string) field {
	if path == "" {
		return jsonLeaf(v)
	}
	if member := jsonMember(v, path); member != nil {
		return jsonLeaf(member)
	}
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		if inner := jsonMember(v, path[:i]); inner != nil {
			if f := jsonField(inner, path[i+1:]); f.kind != noField {
				return f
			}
		}
	}
	return field{}
}

func jsonLeaf(v *fastjson.Value) field {
	switch v.Type() {
	case fastjson.TypeString:
		return textOf(string(v.GetStringBytes()))
	case fastjson.TypeNumber:
		return numberOf(v.String())
	case fastjson.TypeNull:
		return textOf("")
	}
	return field{kind: refusedField, refused: invalid}
}

// jsonMember returns the last member of that name; fastjson's own Get returns the first.
func jsonMember(v *fastjson.Value, name string) (member *fastjson.Value) {
	object, _ := v.Object()
	object.Visit(func(key []byte, v *fastjson.Value) {
		if string(key) == name {
			member = v
		}
	})
	return member
}

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
	p.hear(p.bodyText, ddcontext.DatadogKey, id, textOf(trace), spanField, counts)
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
