package datadogexporter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

func (k *kit) startLogs(t testing.TB) exporter.Logs {
	t.Helper()
	exp, err := NewFactory().CreateLogs(t.Context(), k.set, k.cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), k.host()))
	t.Cleanup(func() { k.stop(exp) })
	return exp
}

func requireLogsOnce(t *testing.T, k *kit, n int) {
	t.Helper()
	k.waitFor(t, "logs", func() bool { return len(k.logs) >= n })
	seen := map[any]bool{}
	for _, e := range k.logs {
		require.False(t, seen[e["message"]], "%v twice", e["message"])
		seen[e["message"]] = true
	}
	require.Len(t, seen, n)
}

func TestLogsArriveOnceThroughRefusalsAndOutages(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	var calls atomic.Int32
	k.answer = func(_ *http.Request, raw []byte) answer {
		if n := calls.Add(1); n < 4 || n%11 == 0 {
			return answer{status: 503}
		}
		var list []map[string]any
		_ = json.Unmarshal(raw, &list)
		if len(list) > 7 {
			return answer{status: 413}
		}
		for _, e := range list {
			if e["message"] == "message 13" {
				return answer{status: 400}
			}
		}
		return answer{}
	}
	require.NoError(t, k.startLogs(t).ConsumeLogs(t.Context(), someLogs(0, 50)))
	requireLogsOnce(t, k, 49)
	require.Eventually(t, func() bool {
		k.keeper.mu.Lock()
		defer k.keeper.mu.Unlock()
		return len(k.kept["logs refused"]) == 1
	}, waitLimit, waitTick)
	req := plogotlp.NewExportRequest()
	require.NoError(t, req.UnmarshalProto(k.kept["logs refused"][0]))
	require.Equal(t, "message 13", req.Logs().ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
}

func TestLogsThatHangDoNotHoldTraces(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(r *http.Request, _ []byte) answer { return answer{hang: r.URL.Path == "/api/v2/logs"} }
	logs, traces := k.startLogs(t), k.startTraces(t)
	for i := range 20 {
		require.NoError(t, logs.ConsumeLogs(t.Context(), someLogs(i, 1)))
	}
	require.NoError(t, traces.ConsumeTraces(t.Context(), someTraces(0, 10)))
	requireOnce(t, k, 10)
}

func TestEachSiteHasItsEndpoints(t *testing.T) {
	t.Parallel()
	for _, site := range sites {
		c := createDefaultConfig().(*Config)
		c.API.Site = site
		require.Equal(t, endpoints{
			traces:   fmt.Sprintf("https://trace.agent.%s/api/v0.2/traces", site),
			stats:    fmt.Sprintf("https://trace.agent.%s/api/v0.2/stats", site),
			logs:     fmt.Sprintf("https://http-intake.logs.%s/api/v2/logs", site),
			series:   fmt.Sprintf("https://api.%s/api/v2/series", site),
			sketches: fmt.Sprintf("https://api.%s/api/beta/sketches", site),
			metadata: fmt.Sprintf("https://api.%s/intake/", site),
		}, c.endpoints())
	}
}
