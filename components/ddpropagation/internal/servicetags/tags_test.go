package servicetags

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

type m = map[string]any

func mapOf(t testing.TB, raw m) pcommon.Map {
	t.Helper()
	out := pcommon.NewMap()
	require.NoError(t, out.FromRaw(raw))
	return out
}

func TestWhereLoggersPutTags(t *testing.T) {
	all := Values{"shop", "prod", "1.2.3"}
	for who, attrs := range map[string]m{
		"Python, Go, Java":  {"dd.service": "shop", "dd.env": "prod", "dd.version": "1.2.3"},
		"Node.js":           {"dd": m{"service": "shop", "env": "prod", "version": "1.2.3", "trace_id": "1"}},
		"Serilog":           {"dd_service": "shop", "dd_env": "prod", "dd_version": "1.2.3"},
		"logback":           {"mdc": m{"dd.service": "shop", "dd.env": "prod", "dd.version": "1.2.3"}},
		"log4j2, flattened": {"contextMap.dd.service": "shop", "contextMap.dd.env": "prod", "contextMap.dd.version": "1.2.3"},
		"loguru":            {"record": m{"extra": m{"dd.service": "shop", "dd.env": "prod", "dd.version": "1.2.3"}}},
		"semantic_logger":   {"named_tags": m{"dd": m{"service": "shop", "env": "prod", "version": "1.2.3"}}},
		"Serilog, JSON":     {"Properties": m{"dd_service": "shop", "dd_env": "prod", "dd_version": "1.2.3"}},
	} {
		var it Item
		it.Read(mapOf(t, attrs))
		require.Equal(t, all, it.Own, who)
	}
	var it Item
	it.Read(mapOf(t, m{"dd.service": "%X{dd.service}", "dd.env": "none", "dd.version": "", "ddtags": "env:prod, team:a,flag,version:2,env:late", "ddsource": "python", "hostname": "node-1"}))
	require.Equal(t, Item{Listed: Values{"", "prod", "2"}, TagList: "env:prod, team:a,flag,version:2,env:late", Source: "python", Host: "node-1"}, it)
	it = Item{}
	it.Read(mapOf(t, m{"dd.version": int64(7)}))
	require.Equal(t, "7", it.Own[Version])
}

func TestTagsInText(t *testing.T) {
	for text, want := range map[string]Values{
		"2026 INFO [dd.service=shop dd.env=prod dd.version=1.2.3 dd.trace_id=0 dd.span_id=0] - hi": {"shop", "prod", "1.2.3"},
		`hi [dd.trace_id="1" dd.service="shop" level_name="INFO"]`:                                 {"shop", "", ""},
		`{"dd.service":"shop","cut`:          {"shop", "", ""},
		"add.service=x":                      {},
		"dd.service= dd.env=%X{dd.env}":      {},
		"dd.env=" + strings.Repeat("x", 201): {},
		"nothing":                            {},
	} {
		var it Item
		it.ReadText(text)
		require.Equal(t, want, it.Own, text)
	}
}

func TestAListHasAnEdge(t *testing.T) {
	n := 0
	for range EachTag(strings.Repeat("a:b,", 1000)) {
		n++
	}
	require.Equal(t, maxTags, n)
}

func TestWhoSpeaksFirst(t *testing.T) {
	item := Item{Own: Values{"item", "", ""}, Listed: Values{"list", "list", ""}}
	for _, c := range []struct {
		who        string
		resource   m
		preferItem bool
		want       Values
		conflicts  []Conflict
	}{
		{"the resource", m{"service.name": "res", "deployment.environment": "res"}, false, Values{"res", "res", ""},
			[]Conflict{{Service, FromResource, FromItem, "res", "item"}, {Service, FromResource, FromList, "res", "list"}, {Env, FromResource, FromList, "res", "list"}}},
		{"the item, when preferred", m{"service.name": "res"}, true, Values{"item", "list", ""},
			[]Conflict{{Service, FromItem, FromList, "item", "list"}, {Service, FromItem, FromResource, "item", "res"}}},
		{"not a resource without a name", m{"service.name": "unknown_service:python"}, false, Values{"item", "list", ""}, []Conflict{{Service, FromItem, FromList, "item", "list"}}},
		{"labels after that", m{"k8s.pod.label.tags.datadoghq.com/version": "pod", "com.datadoghq.tags.version": "docker"}, false, Values{"item", "list", "pod"}, []Conflict{{Service, FromItem, FromList, "item", "list"}}},
	} {
		r := ReadResource(mapOf(t, c.resource), "dev")
		got, conflict := r.Decide(&item, c.preferItem)
		require.Equal(t, c.want, got, c.who)
		require.Equal(t, len(c.conflicts) > 0, conflict, c.who)
		require.Equal(t, c.conflicts, r.Conflicts(&item, c.preferItem), c.who)
	}
	r := ReadResource(mapOf(t, m{}), "dev")
	got, _ := r.Decide(&Item{}, false)
	require.Equal(t, Values{"", "dev", ""}, got)
}
