// Package collector runs the shipped binary for a test: on free ports, with
// its log kept, and with a clean exit required at the end.
package collector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	readyWithin = 30 * time.Second
	exitWithin  = 30 * time.Second
)

// Options say what to run.
type Options struct {
	// Configs are the --config files, relative to the checkout.
	Configs []string
	// Overlay is YAML laid over Configs and over the free ports.
	Overlay string
	// Env is added to a small environment: PATH, HOME and nothing else.
	Env []string
	// DataDir holds queues; a fresh folder when empty.
	DataDir string
	// Prefix is a command the binary is run under, such as "prlimit" and its flags.
	Prefix []string
}

// Collector is a running binary. The fields are host:port of its listeners.
type Collector struct {
	OTLPGRPC, OTLPHTTP, Datadog, DatadogRUM, Fluent, Health, Metrics string

	DataDir string

	t    testing.TB
	opts Options
	args []string
	env  []string
	log  *logBuffer
	cmd  *exec.Cmd
	done chan error // gets cmd.Wait's result once
}

// Start runs the binary and waits until it is healthy. When the test ends it
// gets SIGTERM and must exit with status 0; its log is printed if the test failed.
func Start(t testing.TB, opts Options) *Collector {
	t.Helper()
	c := New(t, opts)
	c.Run()
	return c
}

// New prepares a collector without starting it: its addresses are known.
func New(t testing.TB, opts Options) *Collector {
	t.Helper()
	bin, err := Binary()
	require.NoError(t, err)
	p := FreePorts(t, 7)
	c := &Collector{
		OTLPGRPC: p[0], OTLPHTTP: p[1], Datadog: p[2], DatadogRUM: p[3], Fluent: p[4], Health: p[5], Metrics: p[6],
		DataDir: opts.DataDir, t: t, opts: opts, log: new(logBuffer),
	}
	if c.DataDir == "" {
		c.DataDir = t.TempDir()
	}
	c.args = append(c.args, opts.Prefix...)
	c.args = append(c.args, bin)
	for _, file := range opts.Configs {
		if !filepath.IsAbs(file) {
			file = filepath.Join(Root(), file)
		}
		c.args = append(c.args, "--config", file)
	}
	overlays := t.TempDir()
	for i, text := range []string{c.portsOverlay(), opts.Overlay} {
		if text == "" {
			continue
		}
		file := filepath.Join(overlays, fmt.Sprintf("overlay-%d.yaml", i))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		c.args = append(c.args, "--config", file)
	}
	c.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.DataDir, "OTELCOL_OBS_DATA=" + c.DataDir,
	}, opts.Env...)
	t.Cleanup(c.cleanup)
	return c
}

func (c *Collector) portsOverlay() string {
	_, metricsPort, _ := net.SplitHostPort(c.Metrics)
	return fmt.Sprintf(`
extensions: {health_check: {endpoint: %q}}
receivers:
  otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}
  datadog: {endpoint: %q}
  datadog_rum: {endpoint: %q}
  fluent: {endpoint: %q}
service:
  telemetry:
    metrics:
      readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: %s}}}}]
`, c.Health, c.OTLPGRPC, c.OTLPHTTP, c.Datadog, c.DatadogRUM, c.Fluent, metricsPort)
}

// Run starts the process and waits until it is healthy; after Kill or
// Terminate it starts the same collector again, on the same ports and data.
func (c *Collector) Run() {
	c.t.Helper()
	c.Launch()
	c.WaitReady(readyWithin)
}

// Launch starts the process without waiting for it to be healthy.
func (c *Collector) Launch() {
	c.t.Helper()
	require.Nil(c.t, c.cmd, "the collector runs already")
	c.cmd = exec.Command(c.args[0], c.args[1:]...)
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = c.env, c.log, c.log
	c.cmd.Dir = c.DataDir
	require.NoError(c.t, c.cmd.Start())
	c.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(c.cmd, c.done)
}

// WaitReady waits until the health check answers 200 and returns how long it
// took. It fails the test when the process ends or the time is up.
func (c *Collector) WaitReady(within time.Duration) time.Duration {
	c.t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-c.done:
			c.done <- err
			c.t.Fatalf("the collector ended before it was ready: %v\n%s", err, c.Log())
		case <-ctx.Done():
			c.t.Fatalf("the collector was not ready within %s\n%s", within, c.Log())
		case <-tick.C:
			resp, err := http.Get("http://" + c.Health + "/")
			if err != nil {
				continue
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(start)
			}
		}
	}
}

// Kill sends SIGKILL and waits for the end.
func (c *Collector) Kill() {
	c.t.Helper()
	require.NotNil(c.t, c.cmd, "the collector does not run")
	_ = c.cmd.Process.Kill()
	c.ended()
	c.cmd = nil
}

// ended waits for the end of a process that was killed, whose error says just that.
func (c *Collector) ended() {
	if err := <-c.done; err == nil {
		c.t.Log("the collector had ended by itself before it was killed")
	}
}

// Terminate sends SIGTERM and returns how the process ended and how long that
// took; one that does not end in time is killed, which is an error.
func (c *Collector) Terminate(within time.Duration) (time.Duration, error) {
	c.t.Helper()
	require.NotNil(c.t, c.cmd, "the collector does not run")
	start := time.Now()
	cmd := c.cmd
	c.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("the collector had ended before its time: %w", <-c.done)
	}
	select {
	case err := <-c.done:
		return time.Since(start), err
	case <-time.After(within):
		_ = cmd.Process.Kill()
		c.ended()
		return time.Since(start), fmt.Errorf("no exit within %s of SIGTERM", within)
	}
}

// Pid is the process id of the running collector.
func (c *Collector) Pid() int { return c.cmd.Process.Pid }

// Log is all the process has written so far, over all its runs.
func (c *Collector) Log() string { return c.log.String() }

// Scrape returns the collector's own metrics in Prometheus text.
func (c *Collector) Scrape() string {
	c.t.Helper()
	resp, err := http.Get("http://" + c.Metrics + "/metrics")
	require.NoError(c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return string(text)
}

func (c *Collector) cleanup() {
	if c.cmd != nil {
		if _, err := c.Terminate(exitWithin); err != nil {
			c.t.Errorf("the collector did not exit cleanly: %v", err)
		}
	}
	if c.t.Failed() {
		c.t.Logf("log of %s:\n%s", strings.Join(c.args, " "), c.Log())
	}
}

// logBuffer keeps the process's output; the process writes, the test reads.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
