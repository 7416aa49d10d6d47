package datadogexporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/DataDog/agent-payload/v5/gogen"
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

const testKey = "0123456789abcdef0123456789abcdef"

// answer is what the intake says to one request; status 0 takes it with 202.
type answer struct {
	status int
	header map[string]string
	hang   bool
}

// intakeServer decodes and keeps what it takes, and answers as it is told.
type intakeServer struct {
	url    string
	answer func(r *http.Request, raw []byte) answer

	mu       sync.Mutex
	changed  chan struct{}
	requests map[string]int
	traces   []*pb.AgentPayload
	stats    []*pb.StatsPayload
	logs     []map[string]any
	series   []*gogen.MetricPayload
	sketches []*gogen.SketchPayload
	metadata []map[string]any
	release  chan struct{}
}

func newIntakeServer(t testing.TB) *intakeServer {
	in := &intakeServer{changed: make(chan struct{}), requests: map[string]int{}, release: make(chan struct{})}
	srv := httptest.NewServer(in)
	in.url = srv.URL
	t.Cleanup(func() {
		close(in.release)
		srv.CloseClientConnections()
		srv.Close()
	})
	return in
}

// answerWith changes the answers of a server that is in use.
func (in *intakeServer) answerWith(f func(*http.Request, []byte) answer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = f
}

func (in *intakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := decodedBody(r)
	if err != nil {
		http.Error(w, err.Error(), 599)
		return
	}
	in.mu.Lock()
	answering := in.answer
	in.requests[r.URL.Path]++
	in.mu.Unlock()
	var a answer
	if answering != nil {
		a = answering(r, raw)
	}
	if a.hang {
		select {
		case <-in.release:
		case <-r.Context().Done():
		}
		return
	}
	if a.status == 0 {
		a.status = http.StatusAccepted
		if err := in.take(r.URL.Path, raw); err != nil {
			http.Error(w, err.Error(), 598)
			return
		}
	}
	in.note()
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, `{}`)
}

func (in *intakeServer) note() {
	in.mu.Lock()
	defer in.mu.Unlock()
	close(in.changed)
	in.changed = make(chan struct{})
}

func decodedBody(r *http.Request) ([]byte, error) {
	var src io.Reader = r.Body
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		src = z
	case "zstd":
		z, err := zstd.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		src = z
	}
	return io.ReadAll(src)
}

func (in *intakeServer) take(path string, raw []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch path {
	case "/api/v0.2/traces":
		p := new(pb.AgentPayload)
		if err := proto.Unmarshal(raw, p); err != nil {
			return err
		}
		in.traces = append(in.traces, p)
	case "/api/v0.2/stats":
		p := new(pb.StatsPayload)
		if err := msgp.Decode(bytes.NewReader(raw), p); err != nil {
			return err
		}
		in.stats = append(in.stats, p)
	case "/api/v2/logs":
		var list []map[string]any
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		in.logs = append(in.logs, list...)
	case "/api/v2/series":
		p := new(gogen.MetricPayload)
		if err := p.Unmarshal(raw); err != nil {
			return err
		}
		in.series = append(in.series, p)
	case "/api/beta/sketches":
		p := new(gogen.SketchPayload)
		if err := p.Unmarshal(raw); err != nil {
			return err
		}
		in.sketches = append(in.sketches, p)
	case "/intake/":
		m := map[string]any{}
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		in.metadata = append(in.metadata, m)
	}
	return nil
}

// waitFor waits until done is true of what has come.
func (in *intakeServer) waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		in.mu.Lock()
		ok, changed := done(), in.changed
		in.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: did not come", what)
		}
	}
}

// spanIDs counts how often each span arrived.
func (in *intakeServer) spanIDs() map[uint64]int {
	got := map[uint64]int{}
	for _, p := range in.traces {
		for _, tp := range p.TracerPayloads {
			for _, c := range tp.Chunks {
				for _, s := range c.Spans {
					got[s.SpanID]++
				}
			}
		}
	}
	return got
}

// keeper is a policy that keeps in memory.
type keeper struct {
	component.StartFunc
	component.ShutdownFunc
	mu   sync.Mutex
	full bool
	kept map[string][][]byte // by signal and reason
}

func (*keeper) Action(status int) answers.Action {
	switch status {
	case 400, 415, 422:
		return answers.Quarantine
	}
	return answers.Without(status)
}

func (k *keeper) Keep(_ context.Context, signal, reason string, otlp []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.full {
		return fmt.Errorf("full")
	}
	if k.kept == nil {
		k.kept = map[string][][]byte{}
	}
	k.kept[signal+" "+reason] = append(k.kept[signal+" "+reason], otlp)
	return nil
}

func (*keeper) Halt(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// keptSpans are the ids of spans in quarantine.
func (k *keeper) keptSpans(t testing.TB, reason string) (ids []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, raw := range k.kept["traces "+reason] {
		req := ptraceotlp.NewExportRequest()
		require.NoError(t, req.UnmarshalProto(raw))
		for _, rs := range req.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					ids = append(ids, spanNumber(s.SpanID()))
				}
			}
		}
	}
	return ids
}

type hostWith map[component.ID]component.Component

func (h hostWith) GetExtensions() map[component.ID]component.Component { return h }

var keeperID = component.MustNewID("retry_policy")

// kit is an exporter, its intake and its quarantine.
type kit struct {
	*intakeServer
	*keeper
	tel *componenttest.Telemetry
	cfg *Config
	set exporter.Settings

	stopped sync.Map
}

func newKit(t testing.TB, settings map[string]any) *kit {
	t.Helper()
	k := &kit{intakeServer: newIntakeServer(t), keeper: &keeper{}, tel: componenttest.NewTelemetry()}
	base := confmap.NewFromStringMap(map[string]any{
		"api":              map[string]any{"key": testKey, "site": "datadoghq.eu"},
		"endpoint":         k.url,
		"hostname":         "host-1",
		"retry_policy":     "retry_policy",
		"timeout":          "5s",
		"host_metadata":    map[string]any{"enabled": false},
		"retry_on_failure": map[string]any{"initial_interval": "10ms", "max_interval": "20ms"},
		"sending_queue":    map[string]any{"batch": map[string]any{"flush_timeout": "10ms", "min_size": 1}},
	})
	require.NoError(t, base.Merge(confmap.NewFromStringMap(settings)))
	k.cfg = createDefaultConfig().(*Config)
	require.NoError(t, base.Unmarshal(k.cfg))
	require.NoError(t, k.cfg.Validate())
	k.set = exportertest.NewNopSettings(componentType)
	k.set.TelemetrySettings = k.tel.NewTelemetrySettings()
	k.set.BuildInfo.Version = "1.2.3"
	t.Cleanup(func() { require.NoError(t, k.tel.Shutdown(context.Background())) })
	return k
}

func (k *kit) host() component.Host { return hostWith{keeperID: k.keeper} }

func (k *kit) startTraces(t testing.TB) exporter.Traces {
	t.Helper()
	exp, err := NewFactory().CreateTraces(t.Context(), k.set, k.cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), k.host()))
	t.Cleanup(func() { k.stop(exp) })
	return exp
}

// stop stops an exporter that was not stopped.
func (k *kit) stop(exp component.Component) {
	if _, done := k.stopped.LoadOrStore(exp, true); !done {
		_ = exp.Shutdown(context.Background())
	}
}

// someTraces makes traces of one span each, numbered from first.
func someTraces(first, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := first; i < first+n; i++ {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 14: byte(i >> 8), 15: byte(i)})
		s.SetSpanID(pcommon.SpanID{1, 7: byte(i), 6: byte(i >> 8)})
		s.SetName("GET /")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(1_800_000_000_000_000_000)
		s.SetEndTimestamp(1_800_000_000_001_000_000)
	}
	return td
}

func spanNumber(id pcommon.SpanID) uint64 { return uint64(id[6])<<8 | uint64(id[7]) }

func someLogs(first, n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := first; i < first+n; i++ {
		r := records.AppendEmpty()
		r.Body().SetStr(fmt.Sprintf("message %d", i))
		r.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	}
	return ld
}

const (
	waitLimit = 60 * time.Second
	waitTick  = 5 * time.Millisecond
)
