package obfuscate

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/obfuscation"
)

// maxTexts is how many statements of one item are handled; no item has more keys for them.
const maxTexts = 12

// counts is what was done in one batch.
type counts struct {
	texts [obfuscation.SystemCount][obfuscation.OutcomeCount]int64
	cards int64
	urls  int64
}

// item is what one span, event, link, record or data point says about its database, and where.
type item struct {
	names    [3]string // of the database system, the most trusted first
	spanType string

	n        int // of texts
	resource pcommon.Value
	hasName  bool // resource is set
}

// texts are the statements of an item. They are kept apart so that an item is small, and hold what an earlier item left behind its n.
type texts [maxTexts]text

type text struct {
	system obfuscation.System
	own    bool // system is the key's
	key    string
	value  pcommon.Value
	raw    string
}

// read finds the attributes that are of interest, and rewrites at once those that need no other.
func (e *engine) read(m pcommon.Map, it *item, ts *texts, c *counts) {
	for name, v := range m.All() {
		k := keyOf(name)
		if k.role == noRole {
			if mayBeCard(v) {
				e.card(name, v, c)
			}
			continue
		}
		if v.Type() != pcommon.ValueTypeStr {
			continue
		}
		switch k.role {
		case systemName, systemName2, systemName3:
			it.names[k.role-systemName] = v.Str()
		case spanType:
			it.spanType = v.Str()
		case query, ownQuery:
			if it.n < maxTexts {
				ts[it.n] = text{system: k.system, own: k.role == ownQuery, key: name, value: v, raw: v.Str()}
				it.n++
			}
		case resourceName:
			it.resource, it.hasName = v, true
		case webURL:
			e.url(v, e.texts.URL, c)
		case urlQuery:
			e.url(v, e.texts.URLQuery, c)
		case stackTrace:
			if e.removeStacks && v.Str() != "" {
				v.SetStr(obfuscation.Hidden)
			}
		}
	}
}

func (e *engine) url(v pcommon.Value, rewrite func(string) (string, bool), c *counts) {
	if out, changed := rewrite(v.Str()); changed {
		v.SetStr(out)
		c.urls++
	}
}

// mayBeCard passes over nearly every value. Str of a value that is no text is empty, and asking for it is cheaper than for the type.
func mayBeCard(v pcommon.Value) bool {
	if s := v.Str(); s != "" {
		return len(s) >= 12 && (s[0] <= '9' && s[0] >= '0' || s[0] == ' ' || s[0] == '-')
	}
	return v.Int() > 1e12
}

func (e *engine) card(name string, v pcommon.Value, c *counts) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if !e.texts.IsCard(name, v.Str()) {
			return
		}
	case pcommon.ValueTypeInt:
		if !e.texts.IsCardNumber(name, v.Int()) {
			return
		}
	default:
		return
	}
	v.SetStr(obfuscation.Hidden)
	c.cards++
}

// system returns the database system of an item, and its name.
func (it *item) system() (obfuscation.System, string) {
	for _, name := range it.names {
		if name != "" {
			return obfuscation.SystemOf(name), name
		}
	}
	return obfuscation.SystemOfType(it.spanType), ""
}

// attributes rewrites the attributes of an event, link, record or data point. parent is the item they belong to, if any.
func (e *engine) attributes(m pcommon.Map, parent *item, ts *texts, c *counts) {
	var it item
	e.read(m, &it, ts, c)
	if it.n == 0 && !it.hasName {
		return
	}
	if parent != nil && it.names == [3]string{} && it.spanType == "" {
		it.names, it.spanType = parent.names, parent.spanType
	}
	e.rewrite(m, &it, ts, "", c)
}

// rewrite rewrites the statements and the resource name of an item, and returns what becomes of a span's name: what became of the resource or statement
// it is equal to, or of the statement it is itself.
func (e *engine) rewrite(m pcommon.Map, it *item, ts *texts, name string, c *counts) (newName string) {
	newName = name
	system, dbms := it.system()
	rawResource := ""
	if it.hasName {
		rawResource = it.resource.Str()
	}
	resource, done := rawResource, system == obfuscation.SQL || system == obfuscation.Redis || system == obfuscation.Valkey
	if it.hasName && done {
		var o obfuscation.Outcome
		resource, o = e.texts.Resource(system, dbms, rawResource)
		c.texts[system][o]++
	}
	removed := ""
	for i := range ts[:it.n] {
		t := &ts[i]
		s := t.system
		if !t.own {
			if s = system; s == obfuscation.NoSystem {
				s = obfuscation.OtherSystem
			}
		}
		out, o := e.texts.Query(s, dbms, t.raw)
		c.texts[s][o]++
		if it.hasName && !done && rawResource == t.raw {
			resource = out
		}
		if name != "" && name == t.raw {
			newName = out
		}
		switch {
		case out == "" && t.raw != "":
			removed = t.key
		case out != t.raw:
			t.value.SetStr(out)
		}
	}
	if it.hasName {
		if name != "" && name == rawResource {
			newName = resource
		}
		if resource != rawResource {
			it.resource.SetStr(resource)
		}
	}
	if newName == name && system == obfuscation.SQL && hasLiteral(name) {
		var o obfuscation.Outcome
		newName, o = e.texts.Query(system, dbms, name)
		c.texts[system][o]++
	}
	if removed != "" {
		m.Remove(removed) // last: it moves the values behind it
	}
	return newName
}

// verbs begin the statements that span names are made of.
var verbs = map[string]bool{
	"SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true, "MERGE": true, "REPLACE": true, "UPSERT": true, "CALL": true, "EXEC": true,
	"EXECUTE": true, "WITH": true, "SET": true, "ALTER": true, "CREATE": true, "GRANT": true, "COPY": true, "EXPLAIN": true, "VALUES": true,
	"DO": true, "BEGIN": true, "DECLARE": true,
}

// hasLiteral reports whether the name of a database span is a statement in which there may be a literal. `SELECT shop.orders`, which OpenTelemetry's
// conventions ask for, is none.
func hasLiteral(name string) bool {
	if !strings.ContainsAny(name, `'"=<>($`) {
		digit := strings.IndexAny(name, "0123456789")
		for digit > 0 && name[digit-1] != ' ' && name[digit-1] != ',' {
			next := strings.IndexAny(name[digit+1:], "0123456789")
			if next < 0 {
				return false
			}
			digit += 1 + next
		}
		if digit < 0 {
			return false
		}
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return len(verb) <= 8 && verbs[strings.ToUpper(verb)]
}
