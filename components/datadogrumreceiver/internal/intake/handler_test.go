package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// newHandler returns a handler of the settings edit leaves, and the bodies it had converted.
func newHandler(t *testing.T, edit func(*Settings)) (*Handler, *[]string) {
	t.Helper()
	set := Settings{
		Paths: map[string][]string{"rum": {"/rum"}}, MaxBodyBytes: 1 << 20, Pools: admission.New(admission.Limits{}),
		RateLimit: &RateLimitConfig{MaxKeys: 1}, Skew: &SkewConfig{}, Passthrough: &PassthroughConfig{},
		MaxBodies: 10, RememberBodies: time.Hour,
	}
	if edit != nil {
		edit(&set)
	}
	tel, err := metadata.NewTelemetryBuilder(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	privacy, err := event.NewPrivacy(&event.PrivacyConfig{})
	require.NoError(t, err)
	var bodies []string
	convert := func(_ context.Context, body string, _ *event.Origin) Verdict {
		bodies = append(bodies, body)
		return Verdict{}
	}
	h, err := New(set, &privacy, convert, time.Now, tel, attribute.String("receiver", "datadog_rum"))
	require.NoError(t, err)
	return h, &bodies
}

func send(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestBodiesWaitForMemoryOfTheProcessAndAreToldToComeAgain(t *testing.T) {
	t.Parallel()
	pools := admission.New(admission.Limits{MaxWait: 10 * time.Millisecond})
	h, bodies := newHandler(t, func(s *Settings) { s.Pools = pools })
	for _, pool := range []*admission.Pool{pools.Reception, pools.Decoding} {
		all, err := pool.Reserve(t.Context(), pool.Largest())
		require.NoError(t, err)
		got := send(h, http.MethodPost, "/rum", strings.Repeat("a", 11))
		require.Equal(t, http.StatusServiceUnavailable, got.Code)
		require.Contains(t, got.Body.String(), "send again later")
		require.Equal(t, "1", got.Header().Get("Retry-After"))
		all.Release()
	}
	require.Equal(t, http.StatusAccepted, send(h, http.MethodPost, "/rum", strings.Repeat("a", 10)).Code)
	require.Equal(t, []string{"aaaaaaaaaa"}, *bodies)
	require.Zero(t, pools.Reception.Usage().Held)
	require.Zero(t, pools.Decoding.Usage().Held)
}

func TestMemoryIsGivenBackAfterABomb(t *testing.T) {
	t.Parallel()
	h, bodies := newHandler(t, nil)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err := io.WriteString(w, strings.Repeat("a", 2<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, send(h, http.MethodPost, "/rum", bomb.String(), "Content-Encoding", "gzip").Code)
	require.Empty(t, *bodies)
	require.Zero(t, h.set.Pools.Reception.Usage().Held)
	require.Zero(t, h.set.Pools.Decoding.Usage().Held)
}

func TestManyBombsAtOnceStayWithinThePools(t *testing.T) {
	t.Parallel()
	pools := admission.New(admission.Limits{MaxBytes: 64 << 20, MaxWait: 50 * time.Millisecond})
	h, _ := newHandler(t, func(s *Settings) { s.MaxBodyBytes, s.Pools = bombBytes, pools })
	h.convert = func(context.Context, string, *event.Origin) Verdict { return Verdict{} }
	bombs := [2]string{}
	for i, size := range []int{bombBytes - 1, bombBytes + 1<<20} {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := io.WriteString(w, strings.Repeat("a", size))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		bombs[i] = out.String()
	}
	var codes sync.Map
	var work sync.WaitGroup
	for i := range 40 {
		work.Go(func() {
			got := send(h, http.MethodPost, "/rum", bombs[i%2], "Content-Encoding", "gzip", "DD-API-KEY", strconv.Itoa(i))
			codes.Store(got.Code, true)
		})
	}
	work.Wait()
	codes.Range(func(code, _ any) bool {
		require.Contains(t, []int{http.StatusAccepted, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable}, code)
		return true
	})
	for _, pool := range []*admission.Pool{pools.Reception, pools.Decoding} {
		u := pool.Usage()
		require.LessOrEqual(t, u.Peak, u.Limit, u.Name)
		require.Zero(t, u.Held, u.Name)
	}
}

func TestTheClientBehindATrustedProxy(t *testing.T) {
	gate, err := newGate(&Settings{TrustedProxies: []string{"10.0.0.0/8", "fd00::/8"}, RateLimit: &RateLimitConfig{MaxKeys: 1}})
	require.NoError(t, err)
	for _, c := range []struct{ name, peer, forwarded, want string }{
		{"no proxy", "203.0.113.9:1234", "198.51.100.1", "203.0.113.9"},
		{"one proxy", "10.0.0.1:1234", "198.51.100.1", "198.51.100.1"},
		{"forged by the client", "10.0.0.1:1234", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
		{"two proxies", "10.0.0.1:1234", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"only proxies", "10.0.0.1:1234", "10.1.1.1, 10.9.9.9", "10.1.1.1"},
		{"nonsense", "10.0.0.1:1234", "unknown", "10.0.0.1"},
		{"empty", "10.0.0.1:1234", "", "10.0.0.1"},
		{"IPv6", "[fd00::1]:1234", "2001:db8::7", "2001:db8::7"},
		{"mapped", "[::ffff:10.0.0.1]:1234", "198.51.100.1:443", "198.51.100.1"},
	} {
		req := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": {c.forwarded}}}
		require.Equal(t, c.want, gate.client(req).String(), c.name)
	}
}

func TestIntakeHosts(t *testing.T) {
	for site, want := range map[string]string{
		"datadoghq.com": "browser-intake-datadoghq.com", "datadoghq.eu": "browser-intake-datadoghq.eu",
		"us5.datadoghq.com": "browser-intake-us5-datadoghq.com", "ap1.datadoghq.com": "browser-intake-ap1-datadoghq.com", "ddog-gov.com": "browser-intake-ddog-gov.com",
	} {
		require.Equal(t, want, intakeHost(site))
	}
}

func TestTheProfilingQuotaIsDatadogsToGrant(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[http.Request]
	datadog := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		got.Store(req)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"admitted":true}`)
	}))
	defer datadog.Close()
	h, _ := newHandler(t, func(s *Settings) {
		s.Passthrough = &PassthroughConfig{Enabled: true, Endpoint: datadog.URL, Tracks: []string{"profile"}, Timeout: time.Minute, Mode: "sync"}
	})
	h.pass.base.Host = "browser-intake-datadoghq.eu"
	h.pass.client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", datadog.Listener.Addr().String())
	}}
	path := "/?ddforward=" + url.QueryEscape("/api/v2/profiling/quota?session_id=1") + "&ddforwardSubdomain=quota"
	answer := send(h, http.MethodGet, path, "", "DD-CLIENT-TOKEN", "pub1", "Cookie", "sid=secret")
	require.Equal(t, http.StatusAccepted, answer.Code)
	require.Equal(t, `{"admitted":true}`, answer.Body.String())
	r := got.Load()
	require.Equal(t, "GET quota.browser-intake-datadoghq.eu /api/v2/profiling/quota?session_id=1", r.Method+" "+r.Host+" "+r.RequestURI)
	require.Equal(t, "pub1", r.Header.Get("DD-CLIENT-TOKEN"))
	require.Empty(t, r.Header.Get("Cookie"))
	require.NoError(t, h.Shutdown(t.Context()))
}
