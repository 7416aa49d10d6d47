package datadogrumreceiver

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

func TestEveryWayAnSDKNamesItsTrack(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Paths["rum"] = append(cfg.Paths["rum"], "/custom/endpoint") }).start(nil)
	forward := "?ddforward=" + url.QueryEscape("/api/v2/rum?ddsource=browser&dd-api-key=pub1&dd-request-id=1")
	for i, path := range []string{
		"/api/v2/rum?ddsource=browser&dd-api-key=pub1", "/rum?dd-api-key=pub1", "/custom/endpoint", "/" + forward, "/any/proxy/path" + forward,
	} {
		before := len(g.spans())
		line := strings.ReplaceAll(fetchLine, "7e000000", fmt.Sprintf("7e00000%d", i))
		line = strings.ReplaceAll(line, "987654321", fmt.Sprintf("98765432%d", i))
		require.Equal(t, http.StatusAccepted, g.send(http.MethodPost, path, line, "DD-API-KEY", "pub1").code, path)
		require.Equal(t, before+1, len(g.spans()), path)
	}
}

func TestForwardingIsRefusedToAnythingButAnIntake(t *testing.T) {
	g := newRig(t, nil).start(nil)
	for _, forward := range []string{
		"https://evil.example/api/v2/rum", "//evil.example/api/v2/rum", "/api/v2/rum@evil.example", "/api/v2/../../admin", "/api/v2/rum/../../x",
		"/api/v1/rum", "/api/v2/RUM", "/api/v2/rum\r\nHost: evil.example", "/api/v2/rum?x=1\r\nX: y", "/api/v2/rum#frag", "/api/v2/rum?a=b#c",
		"/api/v2/", "http:/api/v2/rum", "/api/v2/" + strings.Repeat("a", 33),
	} {
		got := g.send(http.MethodPost, "/?ddforward="+url.QueryEscape(forward), fetchLine)
		require.Equal(t, http.StatusForbidden, got.code, forward)
		require.Equal(t, "ddforward does not name a Datadog intake path", got.text)
	}
	got := g.send(http.MethodPost, "/?ddforwardSubdomain=evil&ddforward="+url.QueryEscape("/api/v2/rum?x"), fetchLine)
	require.Equal(t, http.StatusForbidden, got.code)
	require.Equal(t, "ddforwardSubdomain is not one that is forwarded", got.text)
	require.Empty(t, g.spans())
}

func TestEveryCompressionAnSDKUses(t *testing.T) {
	g := newRig(t, nil).start(nil)
	zlibBody, gzipBody := compress(t, "deflate", clickLine), compress(t, "gzip", clickLine)
	var bare bytes.Buffer
	w, err := flate.NewWriter(&bare, flate.BestSpeed)
	require.NoError(t, err)
	_, err = w.Write([]byte(clickLine))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, c := range []struct{ name, query, header, body string }{
		{"query deflate", "&dd-evp-encoding=deflate", "", zlibBody},
		{"header deflate", "", "deflate", zlibBody},
		{"header gzip", "", "gzip", gzipBody},
		{"bare deflate", "", "deflate", bare.String()},
		{"both", "&dd-evp-encoding=deflate", "gzip", compress(t, "gzip", zlibBody)},
	} {
		got := g.send(http.MethodPost, "/api/v2/rum?dd-api-key="+url.QueryEscape(c.name)+c.query, c.body, "Content-Encoding", c.header)
		require.Equal(t, http.StatusAccepted, got.code, c.name+": "+got.text)
	}
	require.EqualValues(t, 1, g.count(t, "events", "type", "action", "outcome", "converted"))
	require.EqualValues(t, 4, g.count(t, "events", "type", "action", "outcome", "duplicate"))

	got := g.send(http.MethodPost, "/api/v2/rum", "x", "Content-Encoding", "br")
	require.Equal(t, http.StatusUnsupportedMediaType, got.code)
	got = g.send(http.MethodPost, "/api/v2/rum", "not gzip", "Content-Encoding", "gzip")
	require.Equal(t, http.StatusBadRequest, got.code)
	require.Contains(t, got.text, "decode gzip")
	got = g.send(http.MethodPost, "/api/v2/rum", zlibBody[:len(zlibBody)/2], "Content-Encoding", "deflate")
	require.Equal(t, http.StatusBadRequest, got.code, got.text)
}

func TestABombIsRefused(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.MaxRequestBodySize = 1 << 20 }).start(nil)
	for _, how := range []string{"gzip", "deflate"} {
		bomb := compress(t, how, strings.Repeat("a", 64<<20))
		require.Less(t, len(bomb), 1<<17)
		got := g.send(http.MethodPost, "/api/v2/rum", bomb, "Content-Encoding", how)
		require.Equal(t, http.StatusRequestEntityTooLarge, got.code)
		require.Equal(t, "body is larger than max_request_body_size", got.text)
	}
	require.Equal(t, http.StatusRequestEntityTooLarge, g.send(http.MethodPost, "/api/v2/rum", strings.Repeat("a", 2<<20)).code)
}

func TestABadLineCostsThatLine(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.MaxRequestBodySize = 32 << 20 }).start(nil)
	huge := `{"type":"error","date":1795168790000,"application":{"id":"a"},"context":{"x":"` + strings.Repeat("y", 10<<20) + `"}}`
	deep := strings.Repeat("[", 100_000)
	many := `{"type":"error","date":1795168790000,"application":{"id":"a"},"context":[` + strings.Repeat("0,", 30_000) + `0]}`
	body := joinLines(
		"", "  ", "nonsense", `{"type":"action"`, `[1]`, `"x"`, `{}`, `{"type":"action","date":"x"}`, `{"type":"action","date":-5,"application":{"id":"a"}}`,
		`{"type":"action","date":99999999999999999,"application":{"id":"a"}}`, `{"type":"error","date":1795168790000}`,
		`{"type":"error","type":"view","date":1795168790000,"application":{"id":"a"}}`,
		`{"type":"error","date":1795168790000,"application":{"id":"`+strings.Repeat("a", 200)+`"}}`,
		huge, deep, many, clickLine+"\r", fetchLine)
	require.Equal(t, http.StatusAccepted, g.post(body).code)
	require.Equal(t, 1, g.clientSpans(), "the request left")
	require.EqualValues(t, 1, g.count(t, "events", "type", "action", "outcome", "converted"))
	require.EqualValues(t, 1, g.count(t, "events", "type", "resource", "outcome", "converted"))
	require.EqualValues(t, 14, g.count(t, "events", "outcome", "bad"))
}

func TestTokensDecideWhoMaySend(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.ClientTokens = map[string]intake.TokenConfig{
			"pub1": {Tenant: "shop", ApplicationIDs: []string{appID}},
			"pub2": {Tenant: "blog"},
		}
	}).start(nil)
	got := g.send(http.MethodPost, "/api/v2/rum?dd-api-key=stolen", fetchLine)
	require.Equal(t, http.StatusForbidden, got.code)
	require.Equal(t, "client token is not one of client_tokens", got.text)
	require.Equal(t, http.StatusForbidden, g.send(http.MethodPost, "/api/v2/rum", fetchLine).code, "no token")

	other := strings.ReplaceAll(fetchLine, appID, "b0000000-0000-4000-8000-0000000000bb")
	got = g.post(other)
	require.Equal(t, http.StatusForbidden, got.code)
	require.Contains(t, got.text, "application")
	require.Equal(t, http.StatusAccepted, g.post(joinLines(other, fetchLine)).code, "one line is allowed")
	require.EqualValues(t, 2, g.count(t, "events", "outcome", "forbidden"))
	require.Len(t, g.spans(), 1)
	tenant, _ := g.traces.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().Get(attr.TenantID)
	require.Equal(t, "shop", tenant.Str())

	require.Equal(t, http.StatusAccepted, g.send(http.MethodPost, "/rum", fetchLine, "DD-API-KEY", "pub2").code)
	require.Len(t, g.spans(), 2, "another tenant's event is another event")
}

func TestRatesAreLimitedPerTokenAndAddress(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.RateLimit.PerToken, cfg.RateLimit.PerIP = 1, 2 }).start(nil)
	codes := func(n int, path string, header ...string) (list []int) {
		for range n {
			list = append(list, g.send(http.MethodPost, path, "", header...).code)
		}
		return list
	}
	require.Equal(t, []int{202, 202, 429}, codes(3, "/rum?dd-api-key=a"), "two seconds' worth for a token")
	require.Equal(t, []int{202, 429}, codes(2, "/rum?dd-api-key=b"), "four for the address")
	got := g.send(http.MethodPost, "/rum?dd-api-key=b", "")
	require.Contains(t, got.text, "rate_limit::per_ip")
	require.Equal(t, "1", got.header.Get("Retry-After"))
	g.clock.add(time.Second)
	require.Equal(t, []int{202, 202}, codes(2, "/rum?dd-api-key=c"))
	require.EqualValues(t, 1, g.count(t, "rate_limited", "by", "token"))
	require.EqualValues(t, 2, g.count(t, "rate_limited", "by", "ip"))
}

func TestBrowsersOfOtherOriginsReadTheAnswer(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.CORS = configoptional.Some(confighttp.CORSConfig{AllowedOrigins: []string{"https://shop.example"}})
		cfg.ClientTokens = map[string]intake.TokenConfig{"pub1": {}}
	}).start(nil)
	ok := g.send(http.MethodPost, "/rum?dd-api-key=pub1", clickLine, "Origin", "https://shop.example")
	require.Equal(t, "https://shop.example", ok.header.Get("Access-Control-Allow-Origin"))
	refused := g.send(http.MethodPost, "/rum?dd-api-key=x", clickLine, "Origin", "https://shop.example")
	require.Equal(t, http.StatusForbidden, refused.code)
	require.Equal(t, "https://shop.example", refused.header.Get("Access-Control-Allow-Origin"), "errors are read too")
	evil := g.send(http.MethodPost, "/rum?dd-api-key=pub1", clickLine, "Origin", "https://evil.example")
	require.Empty(t, evil.header.Get("Access-Control-Allow-Origin"))
	preflight := g.send(http.MethodOptions, "/rum", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST")
	require.Equal(t, http.StatusNoContent, preflight.code)
	require.Equal(t, http.StatusNoContent, g.send(http.MethodOptions, "/rum", "").code)
}

// A request with several faults hears of the first in this order, which is the README's.
func TestTheOrderOfTheAnswers(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.MaxRequestBodySize = 1 << 10
		cfg.ClientTokens = map[string]intake.TokenConfig{"pub1": {ApplicationIDs: []string{"other"}}}
		cfg.RateLimit.PerToken, cfg.RateLimit.PerIP = 1, 3
	}).start(nil)
	large := strings.Repeat("a", 2<<10)
	for _, c := range []struct {
		method, path, body, encoding string
		want                         int
	}{
		{http.MethodGet, "/nowhere", large, "br", http.StatusNotFound},
		{http.MethodGet, "/?ddforward=" + url.QueryEscape("//evil.example/api/v2/rum"), large, "br", http.StatusForbidden},
		{http.MethodGet, "/rum", large, "br", http.StatusMethodNotAllowed},
		{http.MethodPost, "/rum?dd-api-key=x", large, "br", http.StatusForbidden},                   // address: 1
		{http.MethodPost, "/rum?dd-api-key=x", large, "br", http.StatusForbidden},                   // 2: an unknown token has no rate of its own
		{http.MethodPost, "/rum?dd-api-key=x", large, "br", http.StatusForbidden},                   // 3
		{http.MethodPost, "/rum?dd-api-key=pub1", large, "br", http.StatusRequestEntityTooLarge},    // 4, token: 1
		{http.MethodPost, "/rum?dd-api-key=pub1", clickLine, "br", http.StatusUnsupportedMediaType}, // 5, 2
		{http.MethodPost, "/rum?dd-api-key=pub1", large, "br", http.StatusTooManyRequests},          // 6: the token's rate
		{http.MethodPost, "/rum?dd-api-key=x", large, "br", http.StatusTooManyRequests},             // the address' rate, before the token
	} {
		got := g.send(c.method, c.path, c.body, "Content-Encoding", c.encoding)
		require.Equal(t, c.want, got.code, "%s %s: %s", c.method, c.path, got.text)
	}
	require.EqualValues(t, 1, g.count(t, "rate_limited", "by", "token"))
	require.EqualValues(t, 1, g.count(t, "rate_limited", "by", "ip"))
	g.clock.add(2 * time.Second)
	g.rum.out.traces = consumertest.NewErr(fmt.Errorf("busy"))
	require.Equal(t, http.StatusForbidden, g.send(http.MethodPost, "/rum?dd-api-key=pub1", fetchLine).code, "the application, before the pipelines")
}

func TestWhatIsNoRUMRequest(t *testing.T) {
	g := newRig(t, nil).start(nil)
	require.Equal(t, http.StatusNotFound, g.send(http.MethodPost, "/", "x").code)
	got := g.send(http.MethodGet, "/api/v2/rum", "")
	require.Equal(t, http.StatusMethodNotAllowed, got.code)
	require.Equal(t, "POST, OPTIONS", got.header.Get("Allow"))
}

// Replay is what the user's screen showed, telemetry is the SDK's own: neither becomes OTLP.
func TestReplayAndTelemetryAreNeverConverted(t *testing.T) {
	g := newRig(t, nil).start(nil)
	for _, track := range []string{"replay", "logs", "profile", "exposures", "flagevaluation", "somethingnew"} {
		require.Equal(t, http.StatusAccepted, g.send(http.MethodPost, "/api/v2/"+track, clickLine).code)
	}
	require.EqualValues(t, 1, g.count(t, "unused_requests", "track", "replay"))
	require.EqualValues(t, 1, g.count(t, "unused_requests", "track", "other"))
	require.Equal(t, http.StatusAccepted, g.post(`{"type":"telemetry","date":1795168790000,"application":{"id":"a"},"telemetry":{"message":"x"}}`).code)
	require.EqualValues(t, 1, g.count(t, "events", "type", "telemetry", "outcome", "unconverted"))
	g.flush(time.Hour)
	require.Empty(t, g.spans())
	require.Empty(t, g.records())
}

func TestARefusalMakesTheSDKComeAgainAndItsRetryIsConvertedOnce(t *testing.T) {
	g := newRig(t, nil)
	g.rum.out.traces = consumertest.NewErr(fmt.Errorf("queue is full"))
	g.start(nil)
	errorLine := `{"type":"error","date":1795168790000,"application":{"id":"` + appID + `"},"error":{"id":"e1","message":"no"}}`
	body := joinLines(errorLine, fetchLine)
	got := g.post(body)
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Contains(t, got.text, "queue is full")
	require.Len(t, g.records(), 1, "the logs pipeline had taken its part")
	require.EqualValues(t, 2, g.count(t, "events", "outcome", "deferred"))

	g.rum.out.traces = g.traces
	require.Equal(t, http.StatusAccepted, g.post(body).code)
	require.Equal(t, http.StatusAccepted, g.post(body).code)
	require.Len(t, g.spans(), 1)
	require.Len(t, g.records(), 1, "the part that was taken before is not taken again")
	require.EqualValues(t, 1, g.count(t, "duplicate_bodies"))
}

func TestAPermanentRefusalIsCountedAndNotRetried(t *testing.T) {
	g := newRig(t, nil)
	g.rum.out.traces = consumertest.NewErr(consumererror.NewPermanent(fmt.Errorf("no such tenant")))
	g.start(nil)
	require.Equal(t, http.StatusAccepted, g.post(fetchLine).code)
	require.EqualValues(t, 1, g.count(t, "events", "type", "resource", "outcome", "refused"))
}

func TestAnEventInTwoBodiesIsConvertedOnce(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(fetchLine)
	g.post(joinLines(fetchLine, clickLine, fetchLine))
	require.Equal(t, 1, g.clientSpans())
	require.EqualValues(t, 2, g.count(t, "events", "type", "resource", "outcome", "duplicate"))
}

// While one request is converted, a second with the same events must not be told that all is well.
func TestAnEventThatIsBeingConvertedIsNotAcknowledgedTwice(t *testing.T) {
	g := newRig(t, nil)
	slow := &slowTraces{Consumer: consumertest.NewNop(), entered: make(chan struct{}), leave: make(chan struct{})}
	g.rum.out.traces = slow
	g.start(nil)
	first := make(chan reply)
	go func() { first <- g.post(fetchLine) }()
	<-slow.entered
	same := joinLines("", fetchLine) // another body with the same event
	require.Equal(t, http.StatusServiceUnavailable, g.post(same).code)
	g.clock.add(session.ClaimLife)
	g.rum.out.traces = g.traces
	require.Equal(t, http.StatusAccepted, g.post(same).code, "a request that never ends does not block its events for good")
	close(slow.leave)
	require.Equal(t, http.StatusAccepted, (<-first).code)
}

// slowTraces is a traces pipeline that takes its time.
type slowTraces struct {
	consumertest.Consumer
	entered, leave chan struct{}
}

func (s *slowTraces) ConsumeTraces(context.Context, ptrace.Traces) error {
	close(s.entered)
	<-s.leave
	return nil
}

func TestOneListenerServesEveryPipeline(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	f, set := NewFactory(), receivertest.NewNopSettings(metadata.Type)
	traces, err := f.CreateTraces(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	logs, err := f.CreateLogs(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.Same(t, instance(traces), instance(logs))
	for range 2 {
		require.NoError(t, traces.Start(t.Context(), componenttest.NewNopHost()))
	}
	for range 2 {
		require.NoError(t, logs.Shutdown(t.Context()))
	}
	again, err := f.CreateTraces(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NotSame(t, instance(traces), instance(again), "a stopped receiver is forgotten")
	require.NoError(t, again.Shutdown(t.Context()))
}

func instance(c component.Component) *rum { return c.(*sharedcomponent.Handle[*rum]).Instance() }

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	first := newRig(t, nil).start(nil)
	taken := first.rum.listener.addr.String()
	d := journaltest.NewDisk()
	g := newRig(t, func(cfg *Config) { cfg.NetAddr.Endpoint = taken; cfg.Storage = &journaltest.ID })
	require.ErrorContains(t, g.rum.Start(t.Context(), d.Host()), "listen on "+taken)
	require.Zero(t, d.Open(), "the storage is closed again")
	require.NoError(t, g.rum.Shutdown(t.Context()))
}
