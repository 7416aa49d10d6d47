// Package sink is an OTLP backend for tests: it keeps everything it is sent
// over gRPC and HTTP and answers as an OTLP server must.
package sink

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // the exporters compress
)

const arriveWithin = 30 * time.Second

// Sink keeps what arrived. Endpoint and HTTPEndpoint are URLs.
type Sink struct {
	Endpoint, HTTPEndpoint string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something arrived
	traces  []ptrace.Traces
	logs    []plog.Logs
	metrics []pmetric.Metrics
}

// Start starts a sink that ends with the test.
func Start(t testing.TB) *Sink {
	t.Helper()
	s := &Sink{changed: make(chan struct{})}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	ptraceotlp.RegisterGRPCServer(server, &traceServer{s: s})
	plogotlp.RegisterGRPCServer(server, &logServer{s: s})
	pmetricotlp.RegisterGRPCServer(server, &metricServer{s: s})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	s.Endpoint = "http://" + listener.Addr().String()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		req := ptraceotlp.NewExportRequest()
		if readProto(w, r, req.UnmarshalProto) {
			s.add(func() { s.traces = append(s.traces, req.Traces()) })
		}
	})
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, r *http.Request) {
		req := plogotlp.NewExportRequest()
		if readProto(w, r, req.UnmarshalProto) {
			s.add(func() { s.logs = append(s.logs, req.Logs()) })
		}
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		req := pmetricotlp.NewExportRequest()
		if readProto(w, r, req.UnmarshalProto) {
			s.add(func() { s.metrics = append(s.metrics, req.Metrics()) })
		}
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s.HTTPEndpoint = web.URL
	return s
}

func readProto(w http.ResponseWriter, r *http.Request, unmarshal func([]byte) error) bool {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		zr, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return false
		}
		body = zr
	}
	raw, err := io.ReadAll(body)
	if err == nil {
		err = unmarshal(raw)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	return true
}

type traceServer struct {
	ptraceotlp.UnimplementedGRPCServer
	s *Sink
}

func (t *traceServer) Export(_ context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	t.s.add(func() { t.s.traces = append(t.s.traces, req.Traces()) })
	return ptraceotlp.NewExportResponse(), nil
}

type logServer struct {
	plogotlp.UnimplementedGRPCServer
	s *Sink
}

func (l *logServer) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	l.s.add(func() { l.s.logs = append(l.s.logs, req.Logs()) })
	return plogotlp.NewExportResponse(), nil
}

type metricServer struct {
	pmetricotlp.UnimplementedGRPCServer
	s *Sink
}

func (m *metricServer) Export(_ context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	m.s.add(func() { m.s.metrics = append(m.s.metrics, req.Metrics()) })
	return pmetricotlp.NewExportResponse(), nil
}

func (s *Sink) add(store func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	store()
	close(s.changed)
	s.changed = make(chan struct{})
}

// WaitFor waits until done says yes of what has arrived and fails the test,
// saying what for, when it does not in time.
func (s *Sink) WaitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(arriveWithin)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: not within %s; %d spans, %d log records, %d metrics arrived",
				what, arriveWithin, len(s.Spans()), len(s.Logs()), len(s.Metrics()))
		}
	}
}
