package ddpropagation

import (
	"strings"

	"github.com/valyala/fastjson"
)

var jsonParsers fastjson.ParserPool

// hearJSON does for a JSON object what hearMap does for a map. Only the object's own members count, fields or texts: what is nested deeper
// than a source says may be about another event.
func (p *logProcessor) hearJSON(text string, id *identity, counts *tally) (heard, isObject bool) {
	text = withoutPrefix(strings.TrimLeft(text, " \t\r\n"))
	if text == "" || text[0] != '{' || len(text) > p.cfg.Body.MaxBodyBytes || !p.finder.mayBeIn(text) {
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
	for source := range p.finder.pairs {
		if fields[source].kind == noField {
			continue
		}
		heard = true
		pair := &p.finder.pairs[source]
		if pair.spareOf != "" && jsonField(doc, pair.spareOf).kind != noField {
			continue
		}
		var spanField field
		if pair.SpanID != "" {
			spanField = jsonField(doc, pair.SpanID)
		}
		p.hear(p.bodyJSON, pair.family, id, pair.traceField(fields[source]), spanField, counts)
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

// withoutPrefix removes what a container runtime writes before a line: its time, the stream, and F for a full or P for a partial line.
func withoutPrefix(text string) string {
	if len(text) < 64 || text[0] < '0' || text[0] > '9' || text[4] != '-' {
		return text
	}
	for _, prefix := range []string{" stdout F ", " stderr F ", " stdout P ", " stderr P "} {
		if i := strings.Index(text[:64], prefix); i > 0 && strings.IndexByte(text[:i], ' ') < 0 {
			return text[i+len(prefix):]
		}
	}
	return text
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
	// Of the elements of a list the first that has it counts.
	if v.Type() == fastjson.TypeArray {
		elements, _ := v.Array()
		for _, e := range elements[:min(len(elements), maxElements)] {
			if f := jsonField(e, path); f.kind != noField {
				return f
			}
		}
		return field{}
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
