package convert

import (
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// attribute appends what the rule of its field makes of one value.
func (w *Writer) attribute(doc *event.Doc, e *entry) {
	f, str := e.to, doc.Raw(e.node)
	switch f.rule {
	case ruleTraceID, ruleDuration:
		if w.attrs.asSpan {
			return
		}
	case ruleTarget:
		w.target(str, f.key)
		return
	case ruleProtocol:
		w.protocol(str, f.key)
		return
	case ruleActionID:
		w.actionID(doc, e.node, f)
		return
	case ruleStack:
		if w.attrs.stack != "" {
			w.put(f.key).SetStr(w.privacy.Text(w.attrs.stack))
			w.put(attr.StackMinified).SetStr(w.privacy.Text(str))
			return
		}
	case ruleStatus:
		if str == "0" {
			return
		}
	}
	w.value(doc, e.node, f, w.put(f.key))
}

// value writes node i, which f describes, keeping its shape: an integer stays
// one, and one that does not fit in 64 bits stays as it was written.
func (w *Writer) value(doc *event.Doc, i int, f *field, to pcommon.Value) {
	kind, text := doc.Kind(i), doc.Raw(i)
	switch kind {
	case event.Null:
		_ = to.FromRaw(nil) // never an error: nil is an empty value
	case event.False, event.True:
		to.SetBool(kind == event.True)
	case event.Number:
		writeNumber(text, to)
	case event.String:
		if f.rule == ruleURL {
			to.SetStr(w.pageURL(text))
		} else {
			to.SetStr(w.privacy.Text(text))
		}
	case event.Array:
		list := to.SetEmptySlice()
		for j := range doc.Children(i) {
			w.value(doc, j, f, list.AppendEmpty())
		}
	case event.Object:
		m := to.SetEmptyMap()
		for j := range doc.Children(i) {
			if member := w.fields.get(f, doc.Key(j)); member.rule != ruleDrop {
				w.value(doc, j, member, m.PutEmpty(member.name))
			}
		}
	}
}

func writeNumber(s string, to pcommon.Value) {
	if n, ok := event.WholeNumber(s); ok {
		to.SetInt(n)
		return
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && strings.ContainsAny(s, ".eE") {
		to.SetDouble(f)
		return
	}
	to.SetStr(s)
}

// target writes the URL of a request and the server it names.
func (w *Writer) target(raw, key string) {
	w.put(key).SetStr(w.privacy.URL(raw))
	host, port := hostPort(raw)
	if host != "" {
		w.put("server.address").SetStr(host)
	}
	if port > 0 {
		w.put("server.port").SetInt(port)
	}
}

// hostPort cuts host and port out of a URL; the port only when it is written.
func hostPort(raw string) (host string, port int64) {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", 0
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if !strings.Contains(rest, ":") {
		return rest, 0
	}
	u := url.URL{Host: rest}
	port, err := strconv.ParseInt(u.Port(), 10, 32)
	if err != nil {
		port = 0
	}
	return u.Hostname(), port
}

// protocol splits an ALPN name: h2, h3, http/1.1.
func (w *Writer) protocol(s, key string) {
	name, version, ok := strings.Cut(s, "/")
	switch {
	case s == "h2", s == "h3", s == "h2c":
		name, version = "http", s[1:2]
	case !ok:
		w.put(key).SetStr(s)
		return
	}
	w.put(key).SetStr(name)
	w.put("network.protocol.version").SetStr(version)
}

// pageURL redacts the URL of a page or its referrer: the same one or two
// throughout a batch, so the last ones are remembered.
func (w *Writer) pageURL(raw string) string {
	for i := range w.pages {
		if w.pages[i].raw == raw {
			return w.pages[i].clean
		}
	}
	w.pages[1] = w.pages[0]
	w.pages[0] = cleanURL{raw, w.privacy.URL(raw)}
	return w.pages[0].clean
}

// actionID writes the cause, and the whole list when there is more than the cause.
func (w *Writer) actionID(doc *event.Doc, i int, f *field) {
	if doc.Kind(i) != event.Array {
		w.value(doc, i, f, w.put(f.key))
		return
	}
	last, count := "", 0
	for j := range doc.Children(i) {
		if s := doc.Text(j); s != "" {
			last = s
		}
		count++
	}
	if last != "" {
		w.put(f.key).SetStr(last)
	}
	if (count != 1 || last == "") && w.raw == RawKeep {
		w.value(doc, i, f, w.put("datadog.action.id"))
	}
}
