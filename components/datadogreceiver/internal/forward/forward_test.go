package forward

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// intake records what would leave.
type intake struct {
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer func(*http.Request) (*http.Response, error)
}

func (i *intake) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.got, i.bodies = append(i.got, req), append(i.bodies, string(body))
	i.mu.Unlock()
	if i.answer != nil {
		return i.answer(req)
	}
	return respond(http.StatusAccepted, "taken"), nil
}

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func valid(transport http.RoundTripper) Options {
	return Options{Site: "datadoghq.eu", APIKey: "secret", Channels: channels, Subdomains: []string{"api", "citestcycle-intake"}, Transport: transport}
}

// serve routes a request as the receiver does.
func serve(f *Forwarder, req *http.Request) (*httptest.ResponseRecorder, string) {
	w := httptest.NewRecorder()
	for _, r := range f.Routes() {
		if req.URL.Path == r.Path || strings.HasSuffix(r.Path, "/") && strings.HasPrefix(req.URL.Path, r.Path) {
			outcome, _ := f.Serve(w, req, r)
			return w, outcome
		}
	}
	w.WriteHeader(http.StatusNotFound)
	return w, ""
}

func TestEveryChannelReachesItsIntakeByteForByte(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/profiling/v1/input":                     "https://intake.profile.datadoghq.eu/api/v2/profile",
		"/telemetry/proxy/api/v2/apmtelemetry":    "https://instrumentation-telemetry-intake.datadoghq.eu/api/v2/apmtelemetry",
		"/debugger/v1/input?ddtags=a%3Ab":         "https://http-intake.logs.datadoghq.eu/api/v2/logs?ddtags=a%3Ab",
		"/debugger/v1/diagnostics":                "https://debugger-intake.datadoghq.eu/api/v2/debugger",
		"/debugger/v2/input":                      "https://debugger-intake.datadoghq.eu/api/v2/debugger",
		"/symdb/v1/input":                         "https://debugger-intake.datadoghq.eu/api/v2/debugger",
		"/v0.1/pipeline_stats":                    "https://trace.agent.datadoghq.eu/api/v0.1/pipeline_stats",
		"/evp_proxy/v2/api/v2/citestcycle?a=b%20": "https://citestcycle-intake.datadoghq.eu/api/v2/citestcycle?a=b+",
	} {
		to := new(intake)
		f := New(valid(to))
		body := "\x00\xff" + strings.Repeat("x", 1000)
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("X-Datadog-EVP-Subdomain", "citestcycle-intake")
		req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		req.Header.Set("DD-Telemetry-Request-Type", "app-started")
		req.Header.Set("DD-API-KEY", "the sender's")
		req.Header.Set("Cookie", "a=b")
		req.Header.Set("X-Forwarded-For", "10.0.0.1")
		w, outcome := serve(f, req)
		require.Equal(t, Forwarded, outcome, path)
		require.Equal(t, http.StatusAccepted, w.Code)
		require.Equal(t, "taken", w.Body.String())
		require.Equal(t, []string{body}, to.bodies)
		require.Equal(t, want, to.got[0].URL.String())
		require.Equal(t, http.Header{
			"Content-Type": {"multipart/form-data; boundary=x"}, "Dd-Telemetry-Request-Type": {"app-started"}, "Dd-Api-Key": {"secret"}, "Via": {"otelcol-obs"},
		}, to.got[0].Header)
	}
}

func TestASenderChoosesNeitherHostNorPath(t *testing.T) {
	t.Parallel()
	to := new(intake)
	f := New(valid(to))
	for _, subdomain := range []string{"", "evil.com/", "a@b", "169.254.169.254#", "api.", "API", "api\r\nHost: x", "other", "..%2f"} {
		req := httptest.NewRequest(http.MethodPost, "/evp_proxy/v1/api", nil)
		req.Header["X-Datadog-Evp-Subdomain"] = []string{subdomain}
		w, outcome := serve(f, req)
		require.Equal(t, Refused, outcome, subdomain)
		require.Equal(t, http.StatusBadRequest, w.Code)
	}
	for _, path := range []string{"", "..", "../x", "..%2fx", "a%3fb", "a%23b", "a%0d%0ab", "@evil.com", "a:b", "a%00"} {
		for _, below := range []string{"/evp_proxy/v1/", "/telemetry/proxy/"} {
			req := httptest.NewRequest(http.MethodPost, below+path, nil)
			req.Header.Set("X-Datadog-EVP-Subdomain", "api")
			w, outcome := serve(f, req)
			require.Equal(t, Refused, outcome, path)
			require.Equal(t, http.StatusBadRequest, w.Code, path)
		}
	}
	require.Empty(t, to.got, "no connection")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	to := &intake{answer: func(*http.Request) (*http.Response, error) {
		resp := respond(http.StatusFound, "elsewhere")
		resp.Header.Set("Location", "http://169.254.169.254/latest/meta-data")
		return resp, nil
	}}
	w, _ := serve(New(valid(to)), httptest.NewRequest(http.MethodPost, "/profiling/v1/input", nil))
	require.Equal(t, http.StatusFound, w.Code)
	require.Empty(t, w.Header().Get("Location"))
	require.Len(t, to.got, 1)
}

func TestTheSenderLearnsWhatBecameOfItsRequest(t *testing.T) {
	t.Parallel()
	refusing := &intake{answer: func(*http.Request) (*http.Response, error) { return respond(http.StatusForbidden, "bad key"), nil }}
	w, outcome := serve(New(valid(refusing)), httptest.NewRequest(http.MethodPost, "/profiling/v1/input", nil))
	require.Equal(t, Forwarded, outcome)
	require.Equal(t, http.StatusForbidden, w.Code)

	gone := &intake{answer: func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }}
	w, outcome = serve(New(valid(gone)), httptest.NewRequest(http.MethodPost, "/profiling/v1/input", nil))
	require.Equal(t, Failed, outcome)
	require.Equal(t, http.StatusBadGateway, w.Code)
	require.Equal(t, "the intake of profiling did not answer: unexpected EOF\n", w.Body.String())
	require.NotContains(t, w.Body.String(), "secret")

	large := bytes.Repeat([]byte("x"), 10*mebibyte+1)
	for _, length := range []int64{int64(len(large)), -1} {
		req := httptest.NewRequest(http.MethodPost, "/evp_proxy/v4/api", bytes.NewReader(large))
		req.ContentLength = length
		req.Header.Set("X-Datadog-EVP-Subdomain", "api")
		w, outcome = serve(New(valid(new(intake))), req)
		require.Equal(t, Refused, outcome)
		require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	}
}

func TestRequestsAtATimeAreBounded(t *testing.T) {
	t.Parallel()
	hold, held := make(chan struct{}), make(chan struct{}, maxConcurrent)
	f := New(valid(&intake{answer: func(*http.Request) (*http.Response, error) {
		held <- struct{}{}
		<-hold
		return respond(http.StatusOK, ""), nil
	}}))
	var running sync.WaitGroup
	for range maxConcurrent {
		running.Go(func() { serve(f, httptest.NewRequest(http.MethodPost, "/profiling/v1/input", nil)) })
	}
	for range maxConcurrent {
		<-held
	}
	w, outcome := serve(f, httptest.NewRequest(http.MethodPost, "/profiling/v1/input", nil))
	require.Equal(t, Full, outcome)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	close(hold)
	running.Wait()
}

func TestOnlyConfiguredChannelsHaveRoutes(t *testing.T) {
	t.Parallel()
	o := valid(nil)
	o.Channels = []string{"profiling"}
	routes := New(o).Routes()
	require.Len(t, routes, 1)
	require.Equal(t, "/profiling/v1/input", routes[0].Path)
}

func TestConfigurationErrorsNameTheKey(t *testing.T) {
	t.Parallel()
	require.NoError(t, Options{}.Validate("forward"))
	require.NoError(t, valid(nil).Validate("forward"))
	for want, change := range map[string]func(*Options){
		"forward::channels must name at least one of profiling, telemetry, debugger, pipeline_stats, evp_proxy, got none":                                                                              func(o *Options) { o.Channels = nil },
		`forward::channels::0 must be one of profiling, telemetry, debugger, pipeline_stats, evp_proxy, got "logs"`:                                                                                    func(o *Options) { o.Channels = []string{"logs"} },
		`forward::site must be one of datadoghq.com, us3.datadoghq.com, us5.datadoghq.com, datadoghq.eu, ap1.datadoghq.com, ap2.datadoghq.com, ddog-gov.com, or allow_other_sites set, got "evil.com"`: func(o *Options) { o.Site = "evil.com" },
		`forward::site must be a DNS name, got "169.254.169.254"`:                                                                                                                                      func(o *Options) { o.Site, o.AllowOtherSites = "169.254.169.254", true },
		`forward::site must be a DNS name, got "a.b/c"`:                                                                                                                                                func(o *Options) { o.Site, o.AllowOtherSites = "a.b/c", true },
		"forward::api_key must be set": func(o *Options) { o.APIKey = "" },
		"forward::evp_subdomains must name the intakes that evp_proxy may reach, got none": func(o *Options) { o.Subdomains = nil },
		`forward::evp_subdomains::0 must be a part of a DNS name, got "a@b"`:               func(o *Options) { o.Subdomains = []string{"a@b"} },
	} {
		o := valid(nil)
		change(&o)
		require.EqualError(t, o.Validate("forward"), want)
	}
	o := valid(nil)
	o.Site, o.AllowOtherSites = "intake.example.com", true
	require.NoError(t, o.Validate("forward"))
}

func TestTagsInTheQueryAreCut(t *testing.T) {
	t.Parallel()
	to := new(intake)
	serve(New(valid(to)), httptest.NewRequest(http.MethodPost, "/debugger/v1/input?ddsource=x&ddtags="+strings.Repeat("t", 5000), nil))
	require.Equal(t, strings.Repeat("t", maxTags), to.got[0].URL.Query().Get("ddtags"))
	require.Equal(t, "x", to.got[0].URL.Query().Get("ddsource"))
}
