package crash

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// The README's alert on a backlog that does not go.
const (
	liveBytes = "otelcol_extension_durable_storage_live_bytes"
	fileBytes = "otelcol_extension_durable_storage_file_bytes"
	backlog   = 16 << 20
)

// T3: a long outage, a kill at each end. The short form has a backlog of 64 MB
// instead of 512 MB and an eighth of the time to drain it.
func TestOutage(t *testing.T) {
	const pad = 1000
	mb, within := 64, 60*time.Second/8
	if os.Getenv("CRASH_SOAK") != "" {
		mb, within = 512, 60*time.Second
	}
	r := newRig(t, rigOptions{})
	r.Run()
	r.backend.Be("503")
	r.Kill()
	r.Run()
	start := time.Now()
	r.fill(mb<<20/(pad+200), pad)
	filled := time.Since(start)
	r.Kill()
	r.Launch()
	ready := r.WaitReady(30 * time.Second)
	require.Greater(t, r.metric(liveBytes), float64(backlog), "an alert on a backlog has what it needs")
	start = time.Now()
	r.backend.Be(OK)
	r.drained(2 * time.Minute)
	drained := time.Since(start)
	r.eventually("the alert on a backlog ends", 10*time.Second, func() bool { return r.metric(liveBytes) < backlog })
	peak, err := memory(r.Pid(), "VmHWM")
	require.NoError(t, err)
	t.Logf("%d MB sent in %s, ready %s after the kill, drained in %s (%.0f MB/s), peak memory %d MiB",
		r.backend.Bytes()>>20, filled.Round(time.Millisecond), ready.Round(time.Millisecond), drained.Round(time.Millisecond),
		float64(r.backend.Bytes()>>20)/drained.Seconds(), peak>>20)
	r.verdict("outage")
	require.LessOrEqual(t, ready, readyWithin, "ready after a kill with a backlog")
	require.LessOrEqual(t, drained, within, "drained")
	require.LessOrEqual(t, peak, int64(1024<<20)*12/10, "memory: limit_mib and 20 %")
}

// T10: SIGTERM, whatever the backend does.
func TestSIGTERM(t *testing.T) {
	for _, mood := range []Mood{OK, "503", Hang} {
		t.Run(string(mood), func(t *testing.T) {
			r := newRig(t, rigOptions{overlay: `{exporters: {otlp_http: {timeout: 30s}}}`})
			r.backend.Be(mood)
			r.Run()
			fleet := StartFleet(t.Context(), r.clients(5000, 100)...)
			r.eventually("it takes requests", 20*time.Second, func() bool { return r.ledger.Total().Acked > 5000 })
			took, err := r.Terminate(exitWithin)
			require.NoError(t, err)
			t.Logf("exit %s after SIGTERM", took.Round(time.Millisecond))
			r.Run()
			r.backend.Be(OK)
			fleet.Stop(20 * time.Second)
			r.drained(time.Minute)
			r.verdict("SIGTERM, backend " + string(mood))
		})
	}
}

// The agent's own queue is above load balancing: one of two gateways is down,
// the agent is killed, and everything arrives at the one that is left.
func TestAgentKilledWhileAGatewayIsDown(t *testing.T) {
	ledger := NewLedger()
	backend := StartBackend(t, ledger)
	gateway := func() *rig {
		overlay := writeOverlay(t, fast)
		c := collector.New(t, collector.Options{
			Configs: []string{"config/gateway.yaml", "config/export/otlphttp.yaml", overlay},
			Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.URL, "OTEL_EXPORTER_OTLP_HEADERS=none"},
		})
		c.Run()
		return &rig{Collector: c, t: t, backend: backend, ledger: ledger}
	}
	first, second := gateway(), gateway()
	agent := &rig{t: t, backend: backend, ledger: ledger, Collector: collector.New(t, collector.Options{
		Configs: []string{"config/agent.yaml", "config/export/gateway.yaml"},
		Env:     []string{"OTELCOL_OBS_GATEWAY=127.0.0.1"},
		Overlay: `
exporters:
  load_balancing:
    resolver: {dns: null, static: {hostnames: ["` + first.OTLPGRPC + `", "` + second.OTLPGRPC + `"]}}
    protocol: {otlp: {timeout: 2s}}
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
    sending_queue: {batch: {flush_timeout: 200ms}}
  otlp_grpc/gateway: {endpoint: "` + first.OTLPGRPC + `"}
`})}
	agent.Run()
	fleet := StartFleet(t.Context(), agent.clients(3000, 100)...)
	agent.eventually("both gateways take requests", 30*time.Second, func() bool { return ledger.Total().Acked > 3000 && backend.Items() > 3000 })
	second.Kill()
	for range 3 {
		before := ledger.Total().Acked
		agent.eventually("the agent takes requests", 30*time.Second, func() bool { return ledger.Total().Acked > before+1000 })
		agent.Kill()
		agent.Run()
	}
	second.Run()
	fleet.Stop(20 * time.Second)
	agent.drained(time.Minute)
	agent.verdict("agent killed 3 times, one of two gateways down")
}

func writeOverlay(t testing.TB, text string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "overlay-*.yaml")
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return f.Name()
}
