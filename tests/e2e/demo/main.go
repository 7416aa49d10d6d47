// Command demo is what `make run` plays: it starts the collector on
// config/local.yaml, sends one order through a small system of real clients,
// and prints the trace as a tree with each span's logs beneath it.
//
//	go run ./demo -bin ../../bin/otelcol-obs -root ../..
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/story"
)

const (
	readyWithin  = 30 * time.Second
	joinedWithin = 30 * time.Second
	exitWithin   = 20 * time.Second

	healthURL = "http://127.0.0.1:13133/"
)

func main() {
	bin := flag.String("bin", "bin/otelcol-obs", "the collector's binary")
	root := flag.String("root", ".", "the checkout, where config/local.yaml is and ./_local is written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *bin, *root)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, root string) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	data := filepath.Join(root, "_local")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	logFile := filepath.Join(data, "collector.log")
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	collector := exec.Command(bin, "--config", "config/local.yaml")
	collector.Dir, collector.Stdout, collector.Stderr = root, log, log
	collector.Env = append(os.Environ(), "OTELCOL_OBS_DATA=_local")
	if err := portsAreFree(ctx); err != nil {
		return err
	}
	if err := collector.Start(); err != nil {
		return fmt.Errorf("start the collector: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- collector.Wait() }()
	defer func() { err = errors.Join(err, terminate(collector, ended)) }()

	if err := ready(ctx, ended, logFile); err != nil {
		return err
	}
	fmt.Println("collector ready on config/local.yaml, its log in _local/collector.log; sending one order …")
	id, err := story.Play(ctx, story.Endpoints{
		Datadog: "127.0.0.1:8126", Fluent: "127.0.0.1:24224", OTLPGRPC: "127.0.0.1:4317", OTLPHTTP: "127.0.0.1:4318", Env: "demo",
	})
	if err != nil {
		return err
	}
	tr, err := waitForTrace(ctx, data, id)
	if err != nil {
		return err
	}
	tr.print(os.Stdout)
	fmt.Println("\nAll of it is in _local/*.jsonl. `make run DEMO=0` keeps the collector running for your own services.")
	return nil
}

// portsAreFree returns an error that names a port of local.yaml that another process
// has: the order would go to that one.
func portsAreFree(ctx context.Context) error {
	for _, port := range []string{"4317", "4318", "8126", "24224", "12722", "13133", "8888"} {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+port)
		if err != nil {
			return fmt.Errorf("port %s is taken, by another collector perhaps: stop it first (%w)", port, err)
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// ready waits for the health check of the process just started.
func ready(ctx context.Context, ended chan error, logFile string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("the collector ended at start (%w), most often because a port is taken: see %s", err, logFile)
		case <-ctx.Done():
			return fmt.Errorf("the collector was not ready within %s: see %s", readyWithin, logFile)
		case <-time.After(50 * time.Millisecond):
			resp, err := http.Get(healthURL)
			if err != nil {
				continue
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
}

func terminate(collector *exec.Cmd, ended <-chan error) error {
	_ = collector.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(exitWithin):
		_ = collector.Process.Kill()
		return fmt.Errorf("the collector did not exit within %s of SIGTERM", exitWithin)
	}
}
