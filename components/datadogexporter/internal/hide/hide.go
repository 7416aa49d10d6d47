// Package hide takes the literals out of the statements, commands, URLs and card numbers of spans, before they are counted and
// before they are on disk.
//
// It is for collectors without an obfuscate processor, which does more and for every backend.
package hide

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/obfuscation"
)

// Hider rewrites spans. It is safe for concurrent use.
type Hider struct{ texts *obfuscation.Obfuscator }

// New returns a Hider with the Agent's defaults.
func New() *Hider { return &Hider{texts: obfuscation.New(obfuscation.DefaultConfig(), nil)} }

// Traces rewrites the spans of a batch.
func (h *Hider) Traces(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				h.span(span)
			}
		}
	}
}

// What the texts of spans are, by attribute.
type content uint8

const (
	other content = iota
	query         // a statement or command of the span's system
	redisCommand
	valkeyCommand
	memcachedCommand
	mongoQuery
	elasticBody
	openSearchBody
	url
	urlQuery
)

var contents = map[string]content{
	"db.query.text": query, "db.statement": query, "sql.query": query,
	"redis.raw_command": redisCommand, "valkey.raw_command": valkeyCommand, "memcached.command": memcachedCommand,
	"mongodb.query": mongoQuery, "elasticsearch.body": elasticBody, "opensearch.body": openSearchBody,
	"http.url": url, "url.full": url, "http.target": url, "url.query": urlQuery,
}

var commandSystems = map[content]obfuscation.System{
	redisCommand: obfuscation.Redis, valkeyCommand: obfuscation.Valkey, memcachedCommand: obfuscation.Memcached,
	mongoQuery: obfuscation.MongoDB, elasticBody: obfuscation.Elasticsearch, openSearchBody: obfuscation.OpenSearch,
}

func (h *Hider) span(span ptrace.Span) {
	attrs := span.Attributes()
	dbms := first(attrs, "db.type", "db.system.name", "db.system")
	system := obfuscation.SystemOf(dbms)
	if typ := obfuscation.SystemOfType(first(attrs, "span.type")); system == obfuscation.NoSystem || typ == obfuscation.SQL {
		system = typ
	}
	raw := map[string]bool{}
	if v, ok := attrs.Get("resource.name"); ok && system != obfuscation.NoSystem {
		raw[v.Str()] = true
		if out, outcome := h.texts.Resource(system, dbms, v.Str()); outcome != obfuscation.Unchanged {
			v.SetStr(out)
		}
	}
	for k, v := range attrs.All() {
		h.attribute(k, v, system, dbms, raw)
	}
	// The name of a span that some SDKs make of the whole statement.
	if name := span.Name(); raw[name] {
		if system == obfuscation.NoSystem {
			system = obfuscation.OtherSystem
		}
		if out, outcome := h.texts.Query(system, dbms, name); outcome != obfuscation.Unchanged {
			span.SetName(out)
		}
	}
	for _, event := range span.Events().All() {
		for k, v := range event.Attributes().All() {
			h.attribute(k, v, system, dbms, raw)
		}
	}
}

func (h *Hider) attribute(k string, v pcommon.Value, system obfuscation.System, dbms string, raw map[string]bool) {
	if v.Type() == pcommon.ValueTypeInt {
		if h.texts.IsCardNumber(k, v.Int()) {
			v.SetStr("?")
		}
		return
	}
	if v.Type() != pcommon.ValueTypeStr {
		return
	}
	text := v.Str()
	switch c := contents[k]; c {
	case other:
		if h.texts.IsCard(k, text) {
			v.SetStr("?")
		}
	case query:
		if system == obfuscation.NoSystem {
			system = obfuscation.OtherSystem
			if k == "sql.query" {
				system = obfuscation.SQL
			}
		}
		raw[text] = true
		if out, outcome := h.texts.Query(system, dbms, text); outcome != obfuscation.Unchanged {
			v.SetStr(out)
		}
	case url:
		if out, changed := h.texts.URL(text); changed {
			v.SetStr(out)
		}
	case urlQuery:
		if out, changed := h.texts.URLQuery(text); changed {
			v.SetStr(out)
		}
	default:
		if out, outcome := h.texts.Query(commandSystems[c], dbms, text); outcome != obfuscation.Unchanged {
			v.SetStr(out)
		}
	}
}

func first(attrs pcommon.Map, keys ...string) string {
	for _, k := range keys {
		if v, ok := attrs.Get(k); ok && v.Type() == pcommon.ValueTypeStr && v.Str() != "" {
			return v.Str()
		}
	}
	return ""
}
