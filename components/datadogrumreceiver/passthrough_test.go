package datadogrumreceiver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
)

// datadog is the far end: it keeps what it gets and answers as told.
type datadog struct {
	*httptest.Server
	mu   sync.Mutex
	code int
	got  []received
}

type received struct {
	method, host, uri, body string
	header                  http.Header
}

func newDatadog(t *testing.T) *datadog {
	t.Helper()
	in := &datadog{code: http.StatusAccepted}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.got = append(in.got, received{req.Method, req.Host, req.RequestURI, string(body), req.Header.Clone()})
		if in.code == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(in.code)
		_, _ = io.WriteString(w, `{"admitted":true}`)
	}))
	t.Cleanup(in.Server.Close)
	return in
}

func (in *datadog) answer(code int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.code = code
}

func (in *datadog) requests() []received {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]received(nil), in.got...)
}

func passRig(t *testing.T, edit func(*Config)) (*rig, *datadog) {
	t.Helper()
	in := newDatadog(t)
	g := newRig(t, func(cfg *Config) {
		cfg.Passthrough.Enabled, cfg.Passthrough.Endpoint = true, in.URL
		if edit != nil {
			edit(cfg)
		}
	})
	return g.start(nil), in
}

func TestDatadogGetsTheBodyByteForByte(t *testing.T) {
	g, in := passRig(t, nil)
	// A telemetry line, a broken line, odd spacing: nothing is tidied up.
	body := compress(t, "deflate", joinLines(clickLine, `{"type":"telemetry"}`, "broken", "  "+fetchLine))
	query := "ddsource=browser&dd-api-key=pub1&dd-evp-origin-version=7.16.2&dd-request-id=5f1c&dd-evp-encoding=deflate&batch_time=1795168800000&_dd.api=fetch"
	got := g.send(http.MethodPost, "/px?ddforward="+url.QueryEscape("/api/v2/rum?"+query), body,
		"Content-Type", "text/plain;charset=UTF-8", "Cookie", "sid=secret", "Authorization", "Bearer secret", "Proxy-Authorization", "Basic x",
		"Origin", "https://shop.example", "User-Agent", "Mozilla/5.0", "DD-EVP-ORIGIN", "browser", "Referer", "https://shop.example/?t=1", "X-Custom", "1",
		"X-Forwarded-Host", "evil.example")
	require.Equal(t, http.StatusAccepted, got.code, got.text)
	require.Len(t, in.requests(), 1)
	r := in.requests()[0]
	require.Equal(t, body, r.body)
	require.Equal(t, "/api/v2/rum?"+query, r.uri)
	require.Equal(t, in.Listener.Addr().String(), r.host)
	require.Equal(t, http.Header{
		"Accept-Encoding": {""}, "Content-Length": r.header["Content-Length"], "Content-Type": {"text/plain;charset=UTF-8"}, "Origin": {"https://shop.example"},
		"User-Agent": {"Mozilla/5.0"}, "Dd-Evp-Origin": {"browser"}, "X-Forwarded-For": {"127.0.0.1"},
	}, withEmpty(r.header, "Accept-Encoding"))
	require.Equal(t, 1, g.clientSpans(), "and the pipelines got the events")
}

// withEmpty makes an absent header comparable.
func withEmpty(h http.Header, name string) http.Header {
	if _, ok := h[name]; !ok {
		h[name] = []string{""}
	}
	return h
}

func TestMobileHeadersPassThrough(t *testing.T) {
	g, in := passRig(t, nil)
	body := compress(t, "gzip", clickLine)
	g.send(http.MethodPost, "/rum?ddsource=ios", body, "DD-API-KEY", "pub1", "DD-REQUEST-ID", "r1", "DD-IDEMPOTENCY-KEY", "abc", "Content-Encoding", "gzip")
	r := in.requests()[0]
	require.Equal(t, body, r.body)
	require.Equal(t, "/api/v2/rum?ddsource=ios", r.uri, "a path of ours becomes Datadog's")
	for name, want := range map[string]string{"Dd-Api-Key": "pub1", "Dd-Request-Id": "r1", "Dd-Idempotency-Key": "abc", "Content-Encoding": "gzip"} {
		require.Equal(t, want, r.header.Get(name))
	}
}

func TestReplayPassesThroughUnopened(t *testing.T) {
	g, in := passRig(t, nil)
	body := "--b\r\nContent-Disposition: form-data; name=\"segment\"\r\n\r\n\x78\x9c\x00\xff\r\n--b--"
	require.Equal(t, http.StatusAccepted, g.send(http.MethodPost, "/api/v2/replay?dd-api-key=pub1", body, "Content-Type", "multipart/form-data; boundary=b").code)
	require.Equal(t, body, in.requests()[0].body)
	require.Equal(t, "multipart/form-data; boundary=b", in.requests()[0].header.Get("Content-Type"))
}

func TestTracksAreSelectable(t *testing.T) {
	g, in := passRig(t, func(cfg *Config) { cfg.Passthrough.Tracks = []string{"replay"} })
	g.post(fetchLine)
	g.send(http.MethodPost, "/api/v2/logs", "[]")
	require.Empty(t, in.requests())
	g.send(http.MethodPost, "/api/v2/replay", "x")
	require.Len(t, in.requests(), 1)
}

func TestDatadogsRefusalIsRelayedAndTheRetryIsConvertedOnce(t *testing.T) {
	g, in := passRig(t, nil)
	in.answer(http.StatusServiceUnavailable)
	got := g.post(fetchLine)
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Equal(t, "Datadog answered Service Unavailable", got.text)
	require.Equal(t, 1, g.clientSpans())

	in.answer(http.StatusAccepted)
	require.Equal(t, http.StatusAccepted, g.post(fetchLine).code)
	require.Equal(t, 1, g.clientSpans(), "no span twice")
	require.Len(t, in.requests(), 2)
	require.Equal(t, http.StatusAccepted, g.post(fetchLine).code)
	require.Len(t, in.requests(), 2, "what Datadog took is not sent again")

	in.answer(http.StatusForbidden)
	require.Equal(t, http.StatusForbidden, g.post(clickLine).code, "a final answer is Datadog's to give")
	require.EqualValues(t, 1, g.count(t, "passthrough", "track", "rum", "code", "403"))
}

func TestARedirectIsNotFollowed(t *testing.T) {
	g, in := passRig(t, nil)
	in.answer(http.StatusFound)
	require.Equal(t, http.StatusFound, g.post(fetchLine).code)
	require.Len(t, in.requests(), 1)
}

func TestAnUnreachableDatadogMakesTheSDKComeAgain(t *testing.T) {
	g, in := passRig(t, nil)
	in.Close()
	require.Equal(t, http.StatusServiceUnavailable, g.post(fetchLine).code)
	require.EqualValues(t, 1, g.count(t, "passthrough", "code", "0"))
}

func TestNothingPassesThatThePipelinesRefused(t *testing.T) {
	g, in := passRig(t, func(cfg *Config) { cfg.ClientTokens = map[string]intake.TokenConfig{"pub1": {}} })
	require.Equal(t, http.StatusForbidden, g.send(http.MethodPost, "/rum?dd-api-key=x", fetchLine).code)
	require.Empty(t, in.requests())
}

func TestTheProfilingQuotaIsRefusedWithoutThePassThrough(t *testing.T) {
	path := "/?ddforward=" + url.QueryEscape("/api/v2/profiling/quota?session_id=1") + "&ddforwardSubdomain=quota"
	off := newRig(t, func(cfg *Config) { cfg.RateLimit.PerToken = 1 }).start(nil)
	for _, want := range []int{http.StatusForbidden, http.StatusForbidden, http.StatusTooManyRequests} {
		require.Equal(t, want, off.send(http.MethodGet, path, "").code, "its questions count as requests")
	}
}

func TestAsyncAnswersBeforeDatadogDoes(t *testing.T) {
	g, in := passRig(t, func(cfg *Config) { cfg.Passthrough.Mode = "async" })
	in.answer(http.StatusServiceUnavailable)
	require.Equal(t, http.StatusAccepted, g.post(fetchLine).code)
	require.Eventually(t, func() bool { return len(in.requests()) >= 1 }, 10*time.Second, time.Millisecond)
	in.answer(http.StatusAccepted)
	require.Eventually(t, func() bool { return g.rum.intake.Queued() == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, fetchLine, in.requests()[len(in.requests())-1].body)
}

func TestAFullQueueMakesTheSDKComeAgain(t *testing.T) {
	g, in := passRig(t, func(cfg *Config) {
		cfg.Passthrough.Mode, cfg.Passthrough.QueueBytes = "async", len(fetchLine)+len(clickLine)-1
		cfg.MaxRequestBodySize = int64(len(fetchLine))
	})
	in.answer(http.StatusServiceUnavailable)
	require.Equal(t, http.StatusAccepted, g.post(fetchLine).code)
	got := g.post(clickLine)
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Contains(t, got.text, "queue to Datadog is full")
	in.answer(http.StatusAccepted)
	require.Eventually(t, func() bool { return g.rum.intake.Queued() == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, http.StatusAccepted, g.post(clickLine).code)
	require.EqualValues(t, 1, g.count(t, "events", "type", "action", "outcome", "converted"))
}

func TestShutdownDrainsTheQueueOrCountsIt(t *testing.T) {
	g, in := passRig(t, func(cfg *Config) { cfg.Passthrough.Mode = "async" })
	g.post(fetchLine)
	require.NoError(t, g.rum.Shutdown(t.Context()))
	require.Len(t, in.requests(), 1)

	g, in = passRig(t, func(cfg *Config) { cfg.Passthrough.Mode = "async" })
	in.answer(http.StatusServiceUnavailable)
	g.post(fetchLine)
	require.Eventually(t, func() bool { return len(in.requests()) >= 1 }, 10*time.Second, time.Millisecond)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_ = g.rum.Shutdown(over)
	require.EqualValues(t, 1, g.count(t, "passthrough_lost", "track", "rum"))
}
