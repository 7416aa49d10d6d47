package ddparity

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	gzipimpl "github.com/DataDog/datadog-agent/comp/trace/compression/impl-gzip"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	"github.com/DataDog/datadog-agent/pkg/trace/agent"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	ddtelemetry "github.com/DataDog/datadog-agent/pkg/trace/telemetry"
	"github.com/DataDog/datadog-go/v5/statsd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

// realAgent is a Datadog Agent's trace part in this process.
type realAgent struct {
	*agent.Agent
	url  string
	stop func()
}

func startAgent(t testing.TB, to *intake) *realAgent {
	t.Helper()
	conf := config.New()
	conf.Hostname = "h"
	conf.AgentVersion = "7"
	conf.Endpoints = []*config.Endpoint{{APIKey: "k", Host: to.url}}
	conf.ReceiverHost, conf.ReceiverPort, conf.ReceiverSocket = "127.0.0.1", freePort(t), ""
	conf.TraceWriter.FlushPeriodSeconds = 0.2
	conf.TargetTPS = 1e6
	conf.MaxRequestBytes = 25e6
	conf.DecoderTimeout = 1000 // with 0 it answers 200 and drops
	conf.EnableV1TraceEndpoint = true
	conf.BucketInterval = 2 * time.Second
	conf.ContainerTags = func(string) ([]string, error) { return nil, nil }
	translator, err := attributes.NewTranslator(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	conf.OTLPReceiver.AttributesTranslator = translator
	conf.Features["enable_otlp_compute_top_level_by_span_kind"] = struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	a := &realAgent{Agent: agent.NewAgent(ctx, conf, ddtelemetry.NewNoopCollector(), &statsd.NoOpClient{}, gzipimpl.NewComponent())}
	a.url = fmt.Sprintf("http://127.0.0.1:%d", conf.ReceiverPort)
	done := make(chan struct{})
	go func() { a.Run(); close(done) }()
	stopped := false
	a.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
		}
	}
	t.Cleanup(a.stop)
	require.Eventually(t, func() bool {
		resp, err := http.Get(a.url + "/info")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	}, 60*time.Second, 20*time.Millisecond)
	return a
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// put sends a tracer's payload.
func put(t testing.TB, url string, body []byte, header map[string]string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/msgpack")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
