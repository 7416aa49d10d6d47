package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

const (
	readyWithin = 5 * time.Second  // the promise, with a full queue after a kill
	exitWithin  = 10 * time.Second // the promise, on SIGTERM with any backend
)

// fast shortens what a test would wait for: the pause before a retry, the time
// a batch is collected. What it does not change is what is promised.
const fast = `
exporters:
  otlp_http:
    timeout: 2s
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
    sending_queue: {batch: {flush_timeout: 200ms}}
`

// stock replaces our two extensions by file_storage and nothing.
const stock = `
extensions:
  file_storage: {directory: "${env:OTELCOL_OBS_DATA}", timeout: 10s, compaction: {directory: "${env:OTELCOL_OBS_DATA}"}}
receivers: {fluent: {storage: file_storage}}
processors: {rum_link: {storage: file_storage}}
exporters:
  otlp_http: {middlewares: [], sending_queue: {storage: file_storage}}
service: {extensions: [admission, health_check, file_storage]}
`

// rig is a collector between clients and a backend.
type rig struct {
	*collector.Collector
	t       testing.TB
	backend *Backend
	ledger  *Ledger
}

type rigOptions struct {
	base    string   // instead of the gateway
	env     []string // instead of its memory limit
	configs []string // behind the gateway's and the exporter's
	overlay string
	dataDir string
	prefix  []string
}

// newRig prepares the shipped gateway with an OTLP backend.
func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	ledger := NewLedger()
	return newRigOn(t, ledger, StartBackend(t, ledger), o)
}

func newRigOn(t testing.TB, ledger *Ledger, backend *Backend, o rigOptions) *rig {
	t.Helper()
	overlay := writeOverlay(t, fast)
	if o.base == "" {
		// 80 % of limit_mib and a fifth, which is what the process may use here.
		o.base, o.env = "config/gateway.yaml", []string{"GOMEMLIMIT=983MiB"}
	}
	c := collector.New(t, collector.Options{
		Configs: append([]string{o.base, "config/export/otlphttp.yaml", overlay}, o.configs...),
		Overlay: o.overlay, DataDir: o.dataDir, Prefix: o.prefix,
		Env: append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.URL, "OTEL_EXPORTER_OTLP_HEADERS=none"}, o.env...),
	})
	return &rig{Collector: c, t: t, backend: backend, ledger: ledger}
}

// Kill ends the collector's life, by kill -9.
func (r *rig) Kill() {
	r.Collector.Kill()
	r.ledger.Killed()
}

// inFlight is how many items the exporter of config/export/otlphttp.yaml can
// have delivered and not yet deleted: a batch for each consumer of the queues
// of three signals.
func inFlight(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(collector.Root(), "config/export/otlphttp.yaml"))
	require.NoError(t, err)
	var cfg struct {
		Exporters map[string]struct {
			SendingQueue struct {
				NumConsumers int `yaml:"num_consumers"`
				Batch        struct {
					MaxSize int `yaml:"max_size"`
				} `yaml:"batch"`
			} `yaml:"sending_queue"`
		} `yaml:"exporters"`
	}
	require.NoError(t, yaml.Unmarshal(text, &cfg))
	queue := cfg.Exporters["otlp_http"].SendingQueue
	require.Positive(t, queue.NumConsumers*queue.Batch.MaxSize)
	return 3 * queue.NumConsumers * queue.Batch.MaxSize
}

// clients returns clients of each protocol, of Fluent eight connections, that
// together offer about rate items a second.
func (r *rig) clients(rate, pad int) []*Client {
	r.t.Helper()
	const protocols, batch, fluents = 7, 50, 8
	every := time.Second * batch * protocols / time.Duration(rate)
	client := func(name string, every time.Duration, s sender) *Client {
		return &Client{Source: r.ledger.Source(name), Batch: batch, Every: every, sender: s}
	}
	grpc, err := newOTLPGRPC(r.OTLPGRPC, pad)
	require.NoError(r.t, err)
	clients := []*Client{
		client("OTLP gRPC traces", every, grpc),
		client("OTLP HTTP logs", every, newOTLPHTTP(r.OTLPHTTP, pad)),
		client("OTLP HTTP metrics", every, newOTLPMetrics(r.OTLPHTTP, pad)),
		client("Datadog v0.4 traces", every, newDatadog04(r.Datadog, pad)),
		client("Datadog v0.5 traces", every, newDatadog05(r.Datadog, pad)),
		client("Datadog v1.0 traces", every, newDatadog10(r.Datadog, pad)),
	}
	for range fluents {
		clients = append(clients, client("Fluent forward logs", every*fluents, newFluent(r.Fluent, pad)))
	}
	return clients
}

// drained waits until everything acknowledged has arrived, or nothing has for
// so long that nothing will.
func (r *rig) drained(within time.Duration) {
	r.t.Helper()
	r.still(within, 5*time.Second)
}

// still is drained for a test that knows that something is missing: quiet is
// the time without an arrival after which nothing more is expected.
func (r *rig) still(within, quiet time.Duration) {
	r.t.Helper()
	deadline := time.Now().Add(within)
	last, since := int64(-1), time.Now()
	for time.Now().Before(deadline) {
		if r.ledger.Total().Lost == 0 {
			return
		}
		if n := r.backend.Items(); n != last {
			last, since = n, time.Now()
		} else if time.Since(since) > quiet {
			return
		}
		time.Sleep(20 * time.Millisecond) // the bound is above
	}
}

// verdict prints the table and fails the test if anything was lost or too
// little was acknowledged to mean anything.
func (r *rig) verdict(title string) {
	r.t.Helper()
	if n := CountQuarantine(r.t, r.ledger, r.DataDir); n > 0 {
		title += fmt.Sprintf(" (%d requests in quarantine)", n)
	}
	r.t.Logf("\n%s", r.ledger.Table(title))
	total := r.ledger.Total()
	require.Positive(r.t, total.Acked, "nothing was acknowledged")
	require.GreaterOrEqual(r.t, total.AckedShare(), 90.0, "void: too little was acknowledged")
	require.Zero(r.t, total.Lost, "items that were acknowledged are lost")
}

func (r *rig) eventually(what string, within time.Duration, cond func() bool) {
	r.t.Helper()
	require.Eventually(r.t, cond, within, 20*time.Millisecond, what)
}

// metric returns the sum of all series of one of the collector's metrics.
func (r *rig) metric(name string) float64 {
	r.t.Helper()
	var sum float64
	for line := range strings.Lines(r.Scrape()) {
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+"_total{") {
			continue
		}
		var v float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &v); err == nil {
			sum += v
		}
	}
	return sum
}

func soak(fallback time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv("CRASH_SOAK")); err == nil {
		return d
	}
	return fallback
}
