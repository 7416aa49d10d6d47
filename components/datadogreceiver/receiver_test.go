package datadogreceiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// running is a started receiver.
type running struct {
	*datadogReceiver
	url string
}

// run starts a receiver on a free port for a traces pipeline that ends in next, and stops it with the test.
func run(t *testing.T, next consumer.Traces, change ...func(*Config)) *running {
	t.Helper()
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	for _, f := range change {
		f(cfg)
	}
	require.NoError(t, cfg.Validate())
	r, err := factory.CreateTraces(t.Context(), receivertest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	return started(t, r)
}

func started(t *testing.T, r component.Component) *running {
	t.Helper()
	dd := r.(*sharedcomponent.Handle[*datadogReceiver]).Instance()
	dd.intake.pools = admission.New(admission.Limits{MaxBytes: 512 << 20, MaxWait: 50 * time.Millisecond})
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, r.Shutdown(ctx))
	})
	return &running{datadogReceiver: dd, url: "http://" + dd.listeners.addresses[0].String()}
}

// send makes one request and returns the answer with its body.
func (r *running) send(t *testing.T, method, path string, body []byte, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/msgpack")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

func capture(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile("internal/decode/testdata/" + file)
	require.NoError(t, err)
	return body
}

func TestAcceptedPayloadIsOneConsumeTraces(t *testing.T) {
	sink := new(consumertest.TracesSink)
	r := run(t, sink)
	resp, body := r.send(t, http.MethodPut, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.JSONEq(t, `{"rate_by_service":{"service:,env:":1}}`, body)
	require.Len(t, sink.AllTraces(), 1)
	require.Equal(t, 2, sink.SpanCount())

	resp, body = r.send(t, http.MethodPost, "/v0.3/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "OK\n", body)
	require.Equal(t, 4, sink.SpanCount())
}

func TestRefusals(t *testing.T) {
	accept := consumertest.NewNop()
	for _, tc := range []struct {
		name, path string
		body       []byte
		next       consumer.Traces
		change     func(*Config)
		status     int
		retryAfter string
	}{
		{name: "undecodable", path: "/v0.4/traces", body: []byte{0xdd, 0x7f, 0xff, 0xff, 0xff}, next: accept, status: 400},
		{name: "empty", path: "/v0.4/traces", next: accept, status: 400},
		{name: "MessagePack on a JSON endpoint", path: "/v0.2/traces", body: []byte{0x90}, next: accept, status: 415},
		{name: "too large", path: "/v0.4/traces", body: make([]byte, 101), next: accept, status: 413,
			change: func(c *Config) { c.MaxRequestBodySize = 100 }},
		{name: "too many spans", path: "/v0.4/traces", body: capture(t, "js-v0.4.bin"), next: accept, status: 413,
			change: func(c *Config) { c.MaxSpansPerRequest = 1 }},
		{name: "pipeline refuses for now", path: "/v0.4/traces", body: capture(t, "js-v0.4.bin"), status: 429, retryAfter: "1",
			next: consumertest.NewErr(errors.New("queue full"))},
		{name: "pipeline refuses for good", path: "/v0.4/traces", body: capture(t, "js-v0.4.bin"), status: 400,
			next: consumertest.NewErr(consumererror.NewPermanent(errors.New("no")))},
		{name: "pipeline is slow", path: "/v0.4/traces", body: capture(t, "js-v0.4.bin"), status: 429, retryAfter: "1",
			change: func(c *Config) { c.MaxWait = time.Millisecond },
			next:   blocked(t)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(*Config) {}
			}
			resp, _ := run(t, tc.next, change).send(t, http.MethodPost, tc.path, tc.body)
			require.Equal(t, tc.status, resp.StatusCode)
			require.Equal(t, tc.retryAfter, resp.Header.Get("Retry-After"))
			require.NotEmpty(t, resp.Header.Get("Datadog-Agent-State"))
		})
	}
}

// blocked is a pipeline that answers when the request is given up.
func blocked(t *testing.T) consumer.Traces {
	t.Helper()
	c, err := consumer.NewTraces(func(ctx context.Context, _ ptrace.Traces) error {
		<-ctx.Done()
		return ctx.Err()
	})
	require.NoError(t, err)
	return c
}

func TestUnixSocket(t *testing.T) {
	sink := new(consumertest.TracesSink)
	path := t.TempDir() + "/apm.socket"
	r := run(t, sink, func(c *Config) { c.UnixSocket.Path = path })
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://unix/v0.4/traces", bytes.NewReader(capture(t, "go-v0.4.bin")))
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, 2, sink.SpanCount())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(socketMode), info.Mode().Perm())

	client.CloseIdleConnections()
	require.NoError(t, r.Shutdown(t.Context()))
	require.FileExists(t, path, "the socket may be the next pod's by now")
	run(t, sink, func(c *Config) { c.UnixSocket.Path = path })
}
