// Package ddintake is the Datadog intake as an exporter sees it: it decodes what
// the exporter really sends and keeps it, or answers as it is told.
package ddintake

import (
	"compress/gzip"
	"compress/zlib"
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
	"google.golang.org/protobuf/proto"
)

const arriveWithin = 60 * time.Second

// APIKey is the only key the intake accepts.
const APIKey = "0123456789abcdef0123456789abcdef"

// Span is a span that arrived, with what the payload around it says.
type Span struct {
	*pb.Span
	Priority int32
	Env      string
}

// Intake keeps what arrived. URL takes the place of every Datadog host.
type Intake struct {
	URL string

	mu      sync.Mutex
	changed chan struct{}
	spans   []Span
	logs    []map[string]any
	metrics []string
	hits    map[hitsKey]uint64
	errs    []error

	answer  func(path string, size int) Answer
	onSpans func([]Span)
	onLogs  func([]map[string]any)
	closing chan struct{}
}

// Answer is what the intake says to a request. The zero Answer takes it.
type Answer struct {
	Status int
	Header map[string]string
	// Delay passes before the answer.
	Delay time.Duration
	// Hang gives none, Reset closes the connection.
	Hang, Reset bool
}

// hitsKey is what Datadog keeps one value of: the last.
type hitsKey struct {
	host           string
	start          uint64
	service, group string
}

// Start starts an intake that ends with the test, which fails if anything the
// intake was sent could not be decoded or came with a wrong key.
func Start(t testing.TB) *Intake {
	t.Helper()
	in := &Intake{changed: make(chan struct{}), hits: map[hitsKey]uint64{}, closing: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v0.2/traces", in.handle(in.readTraces))
	mux.HandleFunc("POST /api/v2/logs", in.handle(in.readLogs))
	mux.HandleFunc("POST /api/v2/series", in.handle(in.readSeries))
	mux.HandleFunc("POST /api/v0.2/stats", in.handle(in.readStats))
	mux.HandleFunc("GET /api/v1/validate", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"valid":true}`) })
	// Sketches and host metadata: accepted, of no interest to the tests.
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{}`)
	})
	server := httptest.NewServer(mux)
	in.URL = server.URL
	t.Cleanup(func() {
		close(in.closing)
		server.CloseClientConnections()
		server.Close()
		for _, err := range in.errs {
			t.Errorf("datadog intake: %v", err)
		}
	})
	return in
}

// handle decompresses a body, has it read, and answers as Datadog does.
func (in *Intake) handle(read func([]byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := body(r)
		if a := in.told(r.URL.Path, len(raw)); a != (told{}) {
			if !in.say(w, r, a) {
				return
			}
		}
		if key := r.Header.Get("DD-Api-Key"); err == nil && key != APIKey {
			err = fmt.Errorf("wrong DD-Api-Key of %d characters", len(key))
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		if err == nil {
			err = read(raw)
		}
		if err != nil {
			in.errs = append(in.errs, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, err))
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		close(in.changed)
		in.changed = make(chan struct{})
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{}`)
	}
}

// told is an Answer that can be compared.
type told struct {
	status      int
	retryAfter  string
	delay       time.Duration
	hang, reset bool
}

func (in *Intake) told(path string, size int) told {
	in.mu.Lock()
	answer := in.answer
	in.mu.Unlock()
	if answer == nil {
		return told{}
	}
	a := answer(path, size)
	return told{a.Status, a.Header["Retry-After"], a.Delay, a.Hang, a.Reset}
}

// say answers as told and reports whether the request is to be taken.
func (in *Intake) say(w http.ResponseWriter, r *http.Request, a told) bool {
	if a.delay > 0 || a.hang {
		wait := time.NewTimer(a.delay)
		defer wait.Stop()
		var end <-chan time.Time
		if !a.hang {
			end = wait.C
		}
		select {
		case <-in.closing:
			return false
		case <-r.Context().Done():
			return false
		case <-end:
		}
	}
	if a.reset {
		panic(http.ErrAbortHandler)
	}
	if a.status == 0 {
		return true
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	return false
}

// Be makes the intake answer as f says, of the path and the size of a body.
func (in *Intake) Be(f func(path string, size int) Answer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = f
}

// HandOn has what arrives handed to the functions instead of kept.
func (in *Intake) HandOn(spans func([]Span), logs func([]map[string]any)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.onSpans, in.onLogs = spans, logs
}

func (in *Intake) readStats(raw []byte) error {
	var p pb.StatsPayload
	if _, err := p.UnmarshalMsg(raw); err != nil {
		return err
	}
	for _, c := range p.Stats {
		for _, b := range c.Stats {
			for _, g := range b.Stats {
				key := hitsKey{p.AgentHostname, b.Start, g.Service, fmt.Sprint(c.Env, c.Version, c.ContainerID, c.Lang, g.Name, g.Resource, g.Type, g.SpanKind, g.HTTPStatusCode, g.PeerTags, g.IsTraceRoot)}
				in.hits[key] = g.Hits
			}
		}
	}
	return nil
}

// Hits are the spans that statistics have counted, by service.
func (in *Intake) Hits() map[string]uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	sum := map[string]uint64{}
	for key, hits := range in.hits {
		sum[key.service] += hits
	}
	return sum
}

func body(r *http.Request) ([]byte, error) {
	var src io.Reader = r.Body
	var err error
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		src, err = gzip.NewReader(r.Body)
	case "deflate":
		src, err = zlib.NewReader(r.Body)
	case "zstd":
		var zr *zstd.Decoder
		if zr, err = zstd.NewReader(r.Body); err == nil {
			defer zr.Close()
			src = zr
		}
	default:
		err = fmt.Errorf("unknown Content-Encoding %q", enc)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(src)
}

func (in *Intake) readTraces(raw []byte) error {
	var payload pb.AgentPayload
	if err := proto.Unmarshal(raw, &payload); err != nil {
		return err
	}
	var spans []Span
	for _, tp := range payload.TracerPayloads {
		for _, chunk := range tp.Chunks {
			for _, span := range chunk.Spans {
				spans = append(spans, Span{Span: span, Priority: chunk.Priority, Env: tp.Env})
			}
		}
	}
	if in.onSpans != nil {
		in.onSpans(spans)
		return nil
	}
	in.spans = append(in.spans, spans...)
	return nil
}

func (in *Intake) readLogs(raw []byte) error {
	if string(raw) == "{}" {
		return nil // the exporter asks at start whether anyone is there
	}
	var logs []map[string]any
	if err := json.Unmarshal(raw, &logs); err != nil {
		return err
	}
	if in.onLogs != nil {
		in.onLogs(logs)
		return nil
	}
	in.logs = append(in.logs, logs...)
	return nil
}

// readSeries reads what the pipeline sends, protobuf, and what the exporter
// says about itself, JSON.
func (in *Intake) readSeries(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		return json.Unmarshal(raw, new(map[string]any))
	}
	var payload gogen.MetricPayload
	if err := payload.Unmarshal(raw); err != nil {
		return err
	}
	for _, s := range payload.Series {
		in.metrics = append(in.metrics, s.Metric)
	}
	return nil
}

// Spans are all spans that arrived, in order of arrival.
func (in *Intake) Spans() []Span {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]Span(nil), in.spans...)
}

// Logs are all log entries that arrived, in order of arrival.
func (in *Intake) Logs() []map[string]any {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]map[string]any(nil), in.logs...)
}

// Metrics are the names of all series points that arrived.
func (in *Intake) Metrics() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]string(nil), in.metrics...)
}

// WaitFor waits until done says yes of what has arrived and fails the test,
// saying what for, when it does not in time.
func (in *Intake) WaitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(arriveWithin)
	for {
		in.mu.Lock()
		changed := in.changed
		in.mu.Unlock()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: not within %s; %d spans, %d logs, %d series arrived",
				what, arriveWithin, len(in.Spans()), len(in.Logs()), len(in.Metrics()))
		}
	}
}
