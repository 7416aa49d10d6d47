package datadogrumreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

func keepRaw(cfg *Config) { cfg.Raw = convert.RawKeep }

const userLine = `{"type":"error","date":1795168790000,"application":{"id":"a"},"error":{"id":"e","message":"x"},` +
	`"usr":{"id":"u","name":"Ada","email":"ada@example.com","anonymous_id":"anon","plan":"gold","nested":{"x":1}},"account":{"id":"acc","name":"Acme","tier":"1"},` +
	`"context":{"cart":1,"user_password":"p","deep":{"Auth_Token":"t","list":[{"email":"e@x","ok":1}]},"secrets":{"a":1}},"feature_flags":{"new_ui":true,"token_flow":false}}`

func TestTheDefaultsKeepIdsAndNothingPersonal(t *testing.T) {
	g := newRig(t, keepRaw).start(nil)
	g.post(userLine)
	attrs := g.records()[0].Attributes().AsRaw()
	require.Equal(t, map[string]any{
		"datadog.type": "error", attr.ApplicationID: "a", "datadog.error.id": "e", "exception.message": "x",
		attr.UserID: "u", "datadog.usr.anonymous_id": "anon", "account.id": "acc",
		"datadog.context.cart": int64(1), "datadog.context.deep.list": []any{map[string]any{"ok": int64(1)}}, "datadog.feature_flags.new_ui": true,
	}, attrs)
	_, found := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attr.ClientAddress)
	require.False(t, found)
}

func TestEverythingCanBeKept(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		keepRaw(cfg)
		cfg.Privacy = event.PrivacyConfig{ClientIP: "keep", URLQuery: "keep", User: event.UserConfig{ID: "keep", Name: "keep", Email: "keep", AnonymousID: "keep", Other: "keep"}}
	}).start(nil)
	g.post(userLine)
	attrs := g.records()[0].Attributes().AsRaw()
	for key, want := range map[string]any{
		"user.name": "Ada", "user.email": "ada@example.com", "datadog.usr.plan": "gold", "datadog.usr.nested.x": int64(1), "account.name": "Acme",
		"datadog.context.user_password": "p", "datadog.context.deep.Auth_Token": "t", "datadog.context.secrets.a": int64(1),
	} {
		require.Equal(t, want, attrs[key], key)
	}
	ip, _ := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attr.ClientAddress)
	require.Equal(t, "127.0.0.1", ip.Str())
}

func TestValuesKeepTheirShape(t *testing.T) {
	g := newRig(t, keepRaw).start(nil)
	g.post(`{"type":"vital","date":1795168790000,"application":{"id":"a"},"vital":{"id":"v","int":9007199254740993,"big":18446744073709551615,"float":1.5,"exp":1e3,"huge":1e999,` +
		`"null":null,"empty_object":{},"empty_list":[],"list":[1,"a",[true],{"k":null}],"dotted.name":1,"dotted":{"name":2}}}`)
	attrs := g.records()[0].Attributes().AsRaw()
	for key, want := range map[string]any{
		"int": int64(9007199254740993), "big": "18446744073709551615", "float": 1.5, "exp": 1000.0, "huge": "1e999", "null": nil,
		"empty_object": map[string]any{}, "empty_list": []any{}, "list": []any{int64(1), "a", []any{true}, map[string]any{"k": nil}}, "dotted.name": int64(1),
	} {
		got, found := attrs["datadog.vital."+key]
		require.True(t, found, key)
		require.Equal(t, want, got, key)
	}
}
