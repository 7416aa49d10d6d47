package datadogrumreceiver

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValuesInURLsAreRedactedWhereverTheyAre(t *testing.T) {
	for _, c := range []struct{ in, redact, drop string }{
		{"https://a.example/b?c=d", "https://a.example/b?c=REDACTED", "https://a.example/b"},
		{"https://a.example/b?c=d&e=f&g#/route", "https://a.example/b?c=REDACTED&e=REDACTED&REDACTED#/route", "https://a.example/b#/route"},
		{"https://a.example/#access_token=x&state=y", "https://a.example/#access_token=REDACTED&state=REDACTED", "https://a.example/"},
		{"https://a.example/?sessionid", "https://a.example/?REDACTED", "https://a.example/"},
		{"https://user:pass@a.example/b", "https://a.example/b", "https://a.example/b"},
		{"https://user:p@ss@a.example:8443/b@c", "https://a.example:8443/b@c", "https://a.example:8443/b@c"},
		{"Fetch error GET https://a.example/?t=1 and \"https://b.example/?u=2\"", `Fetch error GET https://a.example/?t=REDACTED and "https://b.example/?u=REDACTED"`, `Fetch error GET https://a.example/ and "https://b.example/"`},
		{"at f (https://a.example/x.js?v=9:12:34)\nat g", "at f (https://a.example/x.js?v=REDACTED:12:34)\nat g", "at f (https://a.example/x.js:12:34)\nat g"},
		{"wss://a.example/s?token=x", "wss://a.example/s?token=REDACTED", "wss://a.example/s"},
		{"https://a.example/b?", "https://a.example/b?REDACTED", "https://a.example/b"},
		{"nothing?here=1", "nothing?here=1", "nothing?here=1"},
		{"://?a=b", "://?a=REDACTED", "://"},
	} {
		p := privacy{urlQuery: "redact"}
		require.Equal(t, c.redact, p.text(c.in))
		require.Equal(t, c.redact, p.text(p.text(c.in)), "twice is once")
		p.urlQuery = "drop"
		require.Equal(t, c.drop, p.text(c.in))
		p.urlQuery = "keep"
		require.Equal(t, c.in, p.text(c.in))
	}
	p := privacy{urlQuery: "redact"}
	require.Equal(t, "/cart?session=REDACTED", p.url("/cart?session=abc"), "a URL need not have a scheme")
	if raceDetector {
		return
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { p.text("https://a.example/b") }), "what needs no change costs nothing")
}

func TestAddresses(t *testing.T) {
	v4, v6 := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("2001:db8:1:2::7")
	for mode, want := range map[string][2]string{
		"drop": {"", ""}, "truncate": {"203.0.113.0", "2001:db8:1::"}, "keep": {"203.0.113.77", "2001:db8:1:2::7"},
	} {
		p := privacy{clientIP: mode}
		require.Equal(t, want, [2]string{p.address(v4), p.address(v6)})
		require.Empty(t, p.address(netip.Addr{}))
	}
}

const userLine = `{"type":"error","date":1795168790000,"application":{"id":"a"},"error":{"id":"e","message":"x"},` +
	`"usr":{"id":"u","name":"Ada","email":"ada@example.com","anonymous_id":"anon","plan":"gold","nested":{"x":1}},"account":{"id":"acc","name":"Acme","tier":"1"},` +
	`"context":{"cart":1,"user_password":"p","deep":{"Auth_Token":"t","list":[{"email":"e@x","ok":1}]},"secrets":{"a":1}},"feature_flags":{"new_ui":true,"token_flow":false}}`

func TestTheDefaultsKeepIdsAndNothingPersonal(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(userLine)
	attrs := g.records()[0].Attributes().AsRaw()
	require.Equal(t, map[string]any{
		"datadog.type": "error", attrApplicationID: "a", "datadog.error.id": "e", "exception.message": "x",
		attrUserID: "u", "datadog.usr.anonymous_id": "anon", "datadog.account.id": "acc",
		"datadog.context.cart": int64(1), "datadog.context.deep.list": []any{map[string]any{"ok": int64(1)}}, "datadog.feature_flags.new_ui": true,
	}, attrs)
	_, found := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attrClientAddress)
	require.False(t, found)
}

func TestEverythingCanBeKept(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.Privacy = PrivacyConfig{ClientIP: "keep", URLQuery: "keep", User: UserConfig{ID: "keep", Name: "keep", Email: "keep", AnonymousID: "keep", Other: "keep"}}
	}).start(nil)
	g.post(userLine)
	attrs := g.records()[0].Attributes().AsRaw()
	for key, want := range map[string]any{
		"user.name": "Ada", "user.email": "ada@example.com", "datadog.usr.plan": "gold", "datadog.usr.nested.x": int64(1), "datadog.account.name": "Acme",
		"datadog.context.user_password": "p", "datadog.context.deep.Auth_Token": "t", "datadog.context.secrets.a": int64(1),
	} {
		require.Equal(t, want, attrs[key], key)
	}
	ip, _ := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attrClientAddress)
	require.Equal(t, "127.0.0.1", ip.Str())
}

func TestValuesKeepTheirShape(t *testing.T) {
	g := newRig(t, nil).start(nil)
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
