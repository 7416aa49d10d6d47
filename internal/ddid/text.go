package ddid

import "strings"

// TextForm is how a text spells ids.
type TextForm uint8

// The forms, in the order of trust.
const (
	NoForm          TextForm = iota
	AssignedForm             // dd.trace_id=1, dd.trace_id: 1
	JSONForm                 // "dd.trace_id":"1", also in JSON that was cut off or escaped
	TraceparentForm          // traceparent=00-…
	BareForm                 // trace_id=<32 hex> span_id=<16 hex>
	SpringForm               // [app,<32 hex>,<16 hex>]
	// TextForms is the number of forms.
	TextForms
)

// TextIDs are the ids a text names, as it spells them.
type TextIDs struct {
	Trace, Span string
	HasSpan     bool
	Form        TextForm
	Key         KeyFamily
}

const (
	ddTrace     = "dd.trace_id"
	ddSpan      = "dd.span_id"
	traceparent = "traceparent"

	// anchor is part of every name that trace ids have, so that one pass finds all of them.
	anchor = "race"

	// bareReach is how far apart the two ids of a BareForm may be.
	bareReach = 200
	// maxCSI is the longest colour sequence that is read over.
	maxCSI = 32
	escape = 0x1b
)

// FindInText finds the first trace id that a text names under Datadog's name, and the span id beside it. Only a text that does not name one may do so in
// another form. What a text quotes is not told from what it says of itself, but an address is: behind `?`, `&`, `/` and `%` a name is no name.
//
// A placeholder is a trace id, too: whoever writes one has no span. It does not allocate.
func FindInText(text string) (ids TextIDs) {
	for from := 0; ; {
		i := strings.Index(text[from:], anchor)
		if i < 0 {
			break
		}
		at := from + i // of the r in trace
		from = at + len(anchor)
		if at >= 4 && strings.HasPrefix(text[at-4:], ddTrace) {
			if value, ok := valueOf(text, at-4, len(ddTrace)); ok {
				return datadogIDs(text, at-4, value)
			}
			continue
		}
		if at == 0 || ids.Form == TraceparentForm || text[at-1]|0x20 != 't' {
			continue
		}
		if strings.HasPrefix(text[at-1:], traceparent) {
			if found, ok := traceparentAt(text, at-1); ok {
				ids = found
			}
		} else if ids.Form == NoForm {
			ids, _ = bareAt(text, at-1)
		}
	}
	if ids.Form == NoForm {
		ids = spring(text)
	}
	return ids
}

// value is what stands behind a name.
type value struct {
	text   string
	quoted bool // the name stood in quotes, as in JSON
	end    int
}

// datadogIDs pairs the first trace id of a text with the span id next to it: nothing may stand between them that is a trace id, too.
func datadogIDs(text string, at int, trace value) TextIDs {
	ids := TextIDs{Trace: trace.text, Form: AssignedForm, Key: DatadogKey}
	if trace.quoted {
		ids.Form = JSONForm
	}
	// Ahead of the first trace id there is no other.
	for end := at; ; {
		i := strings.LastIndex(text[:end], ddSpan)
		if i < 0 {
			break
		}
		if span, ok := valueOf(text, i, len(ddSpan)); ok && span.end <= at {
			ids.Span, ids.HasSpan = span.text, true
			return ids
		}
		end = i
	}
	for from := trace.end; ; {
		i := strings.Index(text[from:], ddSpan)
		if i < 0 {
			return ids
		}
		i += from
		if other := strings.Index(text[trace.end:i], ddTrace); other >= 0 {
			return ids
		}
		if span, ok := valueOf(text, i, len(ddSpan)); ok {
			ids.Span, ids.HasSpan = span.text, true
			return ids
		}
		from = i + len(ddSpan)
	}
}

// valueOf returns what stands behind the name at text[at:at+length], if that is a name and has a value.
func valueOf(text string, at, length int) (v value, ok bool) {
	if !beginsName(text, at) {
		return value{}, false
	}
	i := skipCSI(text, at+length)
	if rest := text[i:]; rest != "" && (rest[0] == '"' || rest[0] == '\\') {
		n := quoteAt(rest)
		if n == 0 {
			return value{}, false
		}
		v.quoted = true
		i = skipCSI(text, i+n)
		i = skipBlanks(text, i)
		if i == len(text) || text[i] != ':' {
			return value{}, false
		}
		i = skipBlanks(text, i+1)
	} else {
		switch {
		case rest == "":
			return value{}, false
		case rest[0] == '=':
			i++
		case rest[0] == ':':
			if i++; i < len(text) && text[i] == ' ' {
				i++
			}
		default:
			return value{}, false
		}
	}
	i = skipCSI(text, i)
	v.text, v.end, ok = tokenAt(text, i)
	return v, ok
}

// tokenAt returns the quoted text, or the run up to a delimiter, that begins at text[i:]. A quoted text that the end of the line has cut off is none.
func tokenAt(text string, i int) (token string, end int, ok bool) {
	rest := text[i:]
	quote := quoteAt(rest)
	if quote == 0 && rest != "" && rest[0] == '\'' {
		quote = 1
	}
	if quote > 0 {
		n := strings.Index(rest[quote:], rest[:quote])
		if n < 0 {
			return "", 0, false
		}
		return rest[quote : quote+n], i + 2*quote + n, true
	}
	if strings.HasPrefix(rest, "%X{") || strings.HasPrefix(rest, "${") {
		if n := strings.IndexByte(rest, '}'); n >= 0 {
			return rest[:n+1], i + n + 1, true // a pattern nobody resolved
		}
	}
	n := 0
	for n < len(rest) && rest[n] > ' ' && strings.IndexByte(",;|\"'[](){}<>\\", rest[n]) < 0 {
		n++
	}
	end = i + n
	for n > 0 && strings.IndexByte(".:!?", rest[n-1]) >= 0 {
		n-- // the end of a sentence
	}
	return rest[:n], end, true
}

// quoteAt returns the length of the quote that s begins with: `"`, or escaped as it is in a text within a text.
func quoteAt(s string) int {
	for n := range min(len(s), 4) {
		switch s[n] {
		case '"':
			return n + 1
		case '\\':
		default:
			return 0
		}
	}
	return 0
}

// beginsName reports whether a name may begin at text[i:]: add.trace_id is another name, and x?dd.trace_id part of an address.
func beginsName(text string, i int) bool {
	for i > 0 {
		c := text[i-1]
		if !isNameByte(c) && c != '?' && c != '&' && c != '/' && c != '%' {
			return true
		}
		n := csiBefore(text, i)
		if n == 0 {
			return false
		}
		i -= n
	}
	return true
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a'
}

// skipCSI returns the place behind the colour sequences at text[i:].
func skipCSI(text string, i int) int {
	for i+1 < len(text) && text[i] == escape && text[i+1] == '[' {
		end := i + 2
		for end < len(text) && end-i < maxCSI && isCSIParameter(text[end]) {
			end++
		}
		if end == len(text) || end-i >= maxCSI || text[end] < '@' || text[end] > '~' {
			return i
		}
		i = end + 1
	}
	return i
}

// csiBefore returns the length of the colour sequence that ends at text[:i], 0 if there is none.
func csiBefore(text string, i int) int {
	if i < 3 || (text[i-1]|0x20)-'a' > 'z'-'a' {
		return 0
	}
	for n := 2; n < maxCSI && n < i; n++ {
		switch c := text[i-n]; {
		case c == '[' && text[i-n-1] == escape:
			return n + 1
		case !isCSIParameter(c):
			return 0
		}
	}
	return 0
}

func isCSIParameter(c byte) bool { return c >= '0' && c <= '?' }

func skipBlanks(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	return i
}

// bareAt reads trace_id, traceId or traceID and the span id within reach: 32 and 16 hex digits, or it is nobody's id.
func bareAt(text string, at int) (ids TextIDs, ok bool) {
	length := bareName(text[at:], "trace")
	if length == 0 {
		return ids, false
	}
	trace, ok := valueOf(text, at, length)
	if !ok || !isHexID(trace.text, 32) {
		return ids, false
	}
	span, ok := bareSpan(text, trace.end, min(len(text), trace.end+bareReach))
	if !ok {
		span, ok = bareSpan(text, max(0, at-bareReach), at)
	}
	if !ok {
		return ids, false
	}
	return TextIDs{Trace: trace.text, Span: span, HasSpan: true, Form: BareForm, Key: BareKey}, true
}

func bareSpan(text string, from, to int) (string, bool) {
	for {
		i := strings.Index(text[from:to], "span")
		if i < 0 {
			return "", false
		}
		i += from
		if length := bareName(text[i:], "span"); length > 0 {
			if span, ok := valueOf(text, i, length); ok && isHexID(span.text, 16) {
				return span.text, true
			}
		}
		from = i + len("span")
	}
}

// bareName returns the length of the name that s begins with: what, and _id, Id or ID.
func bareName(s, what string) int {
	rest, ok := strings.CutPrefix(s, what)
	switch {
	case !ok:
	case strings.HasPrefix(rest, "_id"):
		return len(what) + 3
	case strings.HasPrefix(rest, "Id"), strings.HasPrefix(rest, "ID"):
		return len(what) + 2
	}
	return 0
}

// traceparentAt reads W3C's version 00 behind the name.
func traceparentAt(text string, at int) (ids TextIDs, ok bool) {
	v, ok := valueOf(text, at, len(traceparent))
	if s := v.text; ok && len(s) == 55 && s[:3] == "00-" && s[35] == '-' && s[52] == '-' && isHexID(s[3:35], 32) && isHexID(s[36:52], 16) && allHex(s[53:]) {
		return TextIDs{Trace: s[3:35], Span: s[36:52], HasSpan: true, Form: TraceparentForm, Key: BareKey}, true
	}
	return ids, false
}

// spring reads the bracket that Spring's tracing writes into its lines: [app,trace id,span id].
func spring(text string) (ids TextIDs) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return ids
		}
		from += i + 1
		rest := text[from:]
		comma := strings.IndexByte(rest[:min(len(rest), 100)], ',')
		if comma < 0 || len(rest) < comma+51 || rest[comma+33] != ',' {
			continue
		}
		end := comma + 50
		if c := rest[end]; c != ']' && c != ',' {
			continue
		}
		if trace, span := rest[comma+1:comma+33], rest[comma+34:end]; isHexID(trace, 32) && isHexID(span, 16) {
			return TextIDs{Trace: trace, Span: span, HasSpan: true, Form: SpringForm, Key: BareKey}
		}
	}
}

// isHexID reports whether s is an id of n hex digits, and not zero.
func isHexID(s string, n int) bool {
	return len(s) == n && allHex(s) && strings.Trim(s, "0") != ""
}

func allHex(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// FindTag returns the value behind a name in a text, in the spellings that FindInText knows: dd.service=shop, "dd.service":"shop".
func FindTag(text, name string) (string, bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return "", false
		}
		i += from
		if v, ok := valueOf(text, i, len(name)); ok && v.text != "" {
			return v.text, true
		}
		from = i + len(name)
	}
}
