package event

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
		p := Privacy{urlQuery: "redact"}
		require.Equal(t, c.redact, p.Text(c.in))
		require.Equal(t, c.redact, p.Text(p.Text(c.in)), "twice is once")
		p.urlQuery = "drop"
		require.Equal(t, c.drop, p.Text(c.in))
		p.urlQuery = "keep"
		require.Equal(t, c.in, p.Text(c.in))
	}
	p := Privacy{urlQuery: "redact"}
	require.Equal(t, "/cart?session=REDACTED", p.URL("/cart?session=abc"), "a URL need not have a scheme")
	if raceDetector {
		return
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { p.Text("https://a.example/b") }), "what needs no change costs nothing")
}

func TestAddresses(t *testing.T) {
	v4, v6 := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("2001:db8:1:2::7")
	for mode, want := range map[string][2]string{
		"drop": {"", ""}, "truncate": {"203.0.113.0", "2001:db8:1::"}, "keep": {"203.0.113.77", "2001:db8:1:2::7"},
	} {
		p := Privacy{clientIP: mode}
		require.Equal(t, want, [2]string{p.Address(v4), p.Address(v6)})
		require.Empty(t, p.Address(netip.Addr{}))
	}
}
