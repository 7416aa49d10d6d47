package clients

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

const upWithin = 60 * time.Second

// installed fails the test with the install command when file is missing.
func installed(t *testing.T, file, install string) string {
	t.Helper()
	abs, err := filepath.Abs(file)
	require.NoError(t, err)
	if _, err := os.Stat(abs); err != nil {
		t.Fatalf("%s is missing; install it with: %s", file, install)
	}
	return abs
}

// program returns the path of an installed program, or fails the test with the install command.
func program(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; install it with: %s", name, install)
	}
	return path
}

// nodeJS is the Node.js of this machine.
func nodeJS(t *testing.T) string {
	t.Helper()
	return program(t, "node", "apt-get install --no-install-recommends nodejs npm")
}

// toSink runs the gateway with an OTLP backend, overlaid with overlay.
func toSink(t *testing.T, backend *sink.Sink, overlay string) *collector.Collector {
	t.Helper()
	return collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/otlp.yaml", "tests/e2e/testdata/flush-otlp.yaml"},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.Endpoint, "OTEL_EXPORTER_OTLP_HEADERS=none"},
		Overlay: overlay,
	})
}

// process is a client program; its output is printed when the test fails.
type process struct {
	cmd  *exec.Cmd
	done chan error
	mu   sync.Mutex
	out  bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start runs a program that ends with the test at the latest.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	require.NoError(t, p.cmd.Start())
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("output of %s %q:\n%s", name, args, p.output())
		}
	})
	return p
}

// stop asks the program to end, which flushes its tracer, and waits.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(upWithin):
		_ = p.cmd.Process.Kill()
		t.Errorf("%s did not end on SIGTERM within %s", p.cmd.Path, upWithin)
	}
}

// get waits until the program answers the URL with 200 and returns the body.
func (p *process) get(t *testing.T, url string) []byte {
	t.Helper()
	deadline := time.After(upWithin)
	for {
		resp, err := http.Get(url)
		if err == nil {
			var body bytes.Buffer
			_, err = body.ReadFrom(resp.Body)
			resp.Body.Close()
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, resp.StatusCode, body.String())
			return body.Bytes()
		}
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("%s ended: %v\n%s", p.cmd.Path, err, p.output())
		case <-deadline:
			t.Fatalf("GET %s: no answer within %s: %v\n%s", url, upWithin, err, p.output())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func hostPort(t *testing.T, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return host, port
}
