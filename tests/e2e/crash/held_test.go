package crash

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/ddintake"
)

// What stands between the receivers and the disk, or behind it, and holds data.
// Where it loses some on kill -9, that is a line in the table of promises, and
// these tests fail on the day that it becomes better than the table says.

// datadog_rum holds actions until their time has come, on disk when it has a
// storage.
func TestRUMIsKept(t *testing.T) {
	r := newRig(t, rigOptions{
		configs: []string{"config/examples/rum.yaml"},
		overlay: `{receivers: {datadog_rum: {storage: durable_storage, actions: {wait: 1s, per_session: 0}}}}`,
	})
	r.Run()
	fleet := StartFleet(t.Context(), &Client{Source: r.ledger.Source("RUM"), Batch: 50, Every: 50 * time.Millisecond, sender: newRUM(r.DatadogRUM, true)})
	for i := range 4 {
		r.backend.Be([]Mood{OK, "503"}[i%2])
		before := r.ledger.Total().Acked
		r.eventually("it takes requests", 20*time.Second, func() bool { return r.ledger.Total().Acked > before+1000 })
		r.Kill()
		r.Run()
	}
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	r.verdict("RUM, 4 kills")
}

// Logs with half a trace id wait for the span that completes them, as shipped: on
// disk. Spans come for half of them, so some are released and some stay until
// their time is over, and the collector is killed in the middle of it.
func TestLogsThatWaitAreKept(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.Run()
	spans, err := newOTLPGRPC(r.OTLPGRPC, 0)
	require.NoError(t, err)
	fleet := StartFleet(t.Context(), &Client{Source: r.ledger.Source("logs with half an id"), Batch: 50, Every: 50 * time.Millisecond, sender: &halves{newHalfLogs(r.OTLPHTTP), spans}})
	waited := 0.0
	for i := range 4 {
		r.backend.Be([]Mood{OK, "503"}[i%2])
		before := r.ledger.Total().Acked
		r.eventually("it takes logs", 20*time.Second, func() bool { return r.ledger.Total().Acked > before+1000 })
		waited += r.metric("otelcol_processor_rum_link_parked")
		r.Kill()
		r.Run()
	}
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	r.verdict("logs that wait, 4 kills")
	require.Greater(t, waited, 1000.0, "they waited")
}

// halves sends logs, and once they are acknowledged, spans that complete the
// first half of them. What becomes of the spans is not at stake.
type halves struct {
	*poster
	spans *otlpGRPC
}

func (h *halves) send(ctx context.Context, uids []uint64) (outcome, error) {
	result, err := h.poster.send(ctx, uids)
	if result == acked {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		td := ptrace.NewTraces()
		ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for _, uid := range uids[:len(uids)/2] {
			s := ss.AppendEmpty()
			s.SetName("order")
			s.SetTraceID(halfOf(uid, 0x6720f3a8))
			s.SetSpanID(pcommon.SpanID{7: 1})
		}
		_, _ = h.spans.client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(td))
	}
	return result, err
}

func (h *halves) close() {
	h.poster.close()
	h.spans.close()
}

// newHalfLogs sends logs with the low half of a trace id each.
func newHalfLogs(addr string) *poster {
	return newPoster(http.MethodPost, "http://"+addr+"/v1/logs", "application/x-protobuf", func(uids []uint64) []byte {
		ld := Logs(uids, 0)
		for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.SetTraceID(halfOf(uids[i], 0))
			lr.SetSpanID(pcommon.SpanID{7: 1})
		}
		body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
		if err != nil {
			panic(err)
		}
		return body
	})
}

func halfOf(uid, upper uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], upper)
	binary.BigEndian.PutUint64(id[8:], uid+1)
	return id
}

// newRUM sends long tasks, which become records at once, and with actions every other
// one is an action that began no traced request, which is held.
func newRUM(addr string, actions bool) *poster {
	return newPoster(http.MethodPost, "http://"+addr+"/api/v2/rum?ddsource=browser&dd-api-key=pubcrash", "text/plain", func(uids []uint64) []byte {
		var body []byte
		for _, uid := range uids {
			event := map[string]any{
				"date": time.Now().UnixMilli(), "source": "browser", "service": "crash",
				"application": map[string]any{"id": "a0000000-0000-4000-8000-000000000001"},
				"session":     map[string]any{"id": "5e000000-0000-4000-8000-000000000001", "type": "user"},
				"view":        map[string]any{"id": "de000000-0000-4000-8000-000000000001", "url": "https://shop.example/"},
				"context":     map[string]any{"uid": strconv.FormatUint(uid, 10)},
			}
			id := "ac000000-0000-4000-8000-" + strconv.FormatUint(1e11+uid, 10)
			if uid%2 == 0 || !actions {
				event["type"], event["long_task"] = "long_task", map[string]any{"id": id, "duration": 1e8}
			} else {
				event["type"], event["action"] = "action", map[string]any{"id": id, "type": "custom", "target": map[string]any{"name": "pay"}}
			}
			line, err := json.Marshal(event)
			if err != nil {
				panic(err)
			}
			body = append(append(body, line...), '\n')
		}
		return body
	})
}

// tail_sampling and batch acknowledge into memory: what they hold at a kill is
// gone. Logs go past them and are kept.
func TestProcessorsLoseWhatTheyHold(t *testing.T) {
	for name, o := range map[string]rigOptions{
		"tail_sampling": {
			configs: []string{"config/examples/tail_sampling.yaml"}, // with its decision_wait
			overlay: `{processors: {tail_sampling: {policies: [{name: all, type: always_sample}]}}}`,
		},
		"batch": {overlay: `
processors: {batch: {timeout: 5s}}
service: {pipelines: {traces: {processors: [memory_limiter, batch]}}}
`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, o)
			r.Run()
			spans, err := newOTLPGRPC(r.OTLPGRPC, 0)
			require.NoError(t, err)
			defer spans.close()
			logs := newOTLPHTTP(r.OTLPHTTP, 0)
			defer logs.close()
			held, beside, later := r.ledger.Source("spans"), r.ledger.Source("logs"), r.ledger.Source("spans after the restart")
			r.offer(held, spans)
			r.offer(beside, logs)
			r.Kill()
			r.Run()
			r.offer(later, spans)
			r.eventually("what came later has arrived", 30*time.Second, func() bool { return r.ledger.Lost(later, beside) == 0 })
			t.Logf("\n%s", r.ledger.Table(name))
			require.Equal(t, perOffer, r.ledger.Lost(held), "the table of promises says that these are lost")
		})
	}
}

// The datadog exporter acknowledges into an agent in its own memory: the queue
// is empty, the intake has nothing, and after a kill nobody has.
func TestTheContribDatadogExporterLosesWhatItHolds(t *testing.T) {
	intake := ddintake.Start(t)
	target, err := url.Parse(intake.URL)
	require.NoError(t, err)
	var down atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if down.Load() && strings.HasSuffix(req.URL.Path, "/traces") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(front.Close)
	ledger := NewLedger()
	r := &rig{t: t, ledger: ledger, Collector: collector.New(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/datadog-contrib.yaml"},
		Env:     []string{"DD_API_KEY=" + ddintake.APIKey, "DD_SITE=datadoghq.test", "DD_HOSTNAME=crash"},
		Overlay: `
exporters:
  datadog:
    traces: {endpoint: "` + front.URL + `"}
    metrics: {endpoint: "` + front.URL + `"}
    logs: {endpoint: "` + front.URL + `"}
    host_metadata: {enabled: false}
    sending_queue: {batch: {flush_timeout: 100ms}}
`})}
	down.Store(true)
	r.Run()
	spans, err := newOTLPGRPC(r.OTLPGRPC, 0)
	require.NoError(t, err)
	defer spans.close()
	held, later := ledger.Source("spans while the intake is down"), ledger.Source("spans after the restart")
	r.offer(held, spans)
	r.eventually("the exporter says that it sent them", 30*time.Second, func() bool { return r.metric("otelcol_exporter_sent_spans") >= perOffer })
	r.Kill()
	down.Store(false)
	r.Run()
	r.offer(later, spans)
	seen := 0
	r.eventually("what came later has arrived", 60*time.Second, func() bool {
		all := intake.Spans()
		for _, span := range all[seen:] {
			uid, err := strconv.ParseUint(span.Meta["uid"], 10, 64)
			require.NoError(t, err)
			ledger.Arrived([]uint64{uid})
		}
		seen = len(all)
		return ledger.Lost(later) == 0
	})
	t.Logf("\n%s", ledger.Table("datadog exporter"))
	require.Equal(t, perOffer, ledger.Lost(held), "the table of promises says that these are lost")
}

// perOffer is how many items offer sends.
const perOffer = 200

// offer sends a batch until it is acknowledged.
func (r *rig) offer(s *Source, to sender) {
	r.t.Helper()
	c := &Client{Source: s, sender: to}
	require.True(r.t, c.deliver(r.t.Context(), s.Offer(perOffer)), "acknowledged")
}
