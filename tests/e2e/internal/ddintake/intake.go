// Package ddintake is the Datadog intake as the datadog exporter sees it: it
// decodes what the exporter really sends and keeps it.
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
	errs    []error
}

// Start starts an intake that ends with the test, which fails if anything the
// intake was sent could not be decoded or came with a wrong key.
func Start(t testing.TB) *Intake {
	t.Helper()
	in := &Intake{changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v0.2/traces", in.handle(in.readTraces))
	mux.HandleFunc("POST /api/v2/logs", in.handle(in.readLogs))
	mux.HandleFunc("POST /api/v2/series", in.handle(in.readSeries))
	mux.HandleFunc("GET /api/v1/validate", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"valid":true}`) })
	// Stats, sketches and host metadata: accepted, of no interest to the tests.
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{}`)
	})
	server := httptest.NewServer(mux)
	in.URL = server.URL
	t.Cleanup(func() {
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
	for _, tp := range payload.TracerPayloads {
		for _, chunk := range tp.Chunks {
			for _, span := range chunk.Spans {
				in.spans = append(in.spans, Span{Span: span, Priority: chunk.Priority, Env: tp.Env})
			}
		}
	}
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
