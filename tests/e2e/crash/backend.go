package crash

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// Mood is how a backend answers.
type Mood string

// The moods. A number is that status code; 413 takes small requests.
const (
	OK   Mood = "ok"
	Hang Mood = "hang"
	Slow Mood = "slow"
)

// smallEnough is the number of items that a backend takes which answers 413.
const smallEnough = 100

// Backend is an OTLP backend over HTTP.
type Backend struct {
	URL    string
	Ledger *Ledger
	// Strangers says that what no client offered may arrive too. Set it before anything does.
	Strangers bool

	items atomic.Int64
	bytes atomic.Int64

	mu      sync.Mutex
	mood    Mood
	changed chan struct{}
}

// StartBackend starts a backend in a good mood that ends with the test.
func StartBackend(t testing.TB, ledger *Ledger) *Backend {
	b := &Backend{Ledger: ledger, mood: OK, changed: make(chan struct{})}
	server := httptest.NewServer(b)
	b.URL = server.URL
	t.Cleanup(func() {
		b.Be(OK) // lets go of what hangs
		server.CloseClientConnections()
		server.Close()
	})
	return b
}

// Be changes the mood. Requests that hang are answered in the new one.
func (b *Backend) Be(m Mood) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mood = m
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Backend) now() (Mood, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mood, b.changed
}

// Items is the number of clients' items taken so far, duplicates included.
func (b *Backend) Items() int64 { return b.items.Load() }

// Bytes is the size of all requests taken so far, decoded.
func (b *Backend) Bytes() int64 { return b.bytes.Load() }

// ServeHTTP implements http.Handler.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		return // the collector was killed while it wrote
	}
	uids, err := uidsOf(r.URL.Path, body)
	if b.Strangers && errors.Is(err, errNoUID) {
		err = nil
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for {
		mood, changed := b.now()
		switch mood {
		case Hang:
			select {
			case <-changed:
				continue
			case <-r.Context().Done():
				return
			}
		case Slow:
			select {
			case <-time.After(50 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		case OK:
		case "413":
			if len(uids) > smallEnough {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
				return
			}
		default:
			code, err := strconv.Atoi(string(mood))
			if err != nil {
				panic(fmt.Sprintf("no such mood: %s", mood))
			}
			http.Error(w, "on command", code)
			return
		}
		if r.Context().Err() != nil {
			return // whoever sent it is gone
		}
		b.Ledger.Arrived(uids)
		b.items.Add(int64(len(uids)))
		b.bytes.Add(int64(len(body)))
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(http.StatusOK)
		return
	}
}

func readBody(r *http.Request) ([]byte, error) {
	src := io.Reader(r.Body)
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		src = z
	case "zstd":
		z, err := zstd.NewReader(r.Body, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		src = z
	}
	return io.ReadAll(src)
}

// errNoUID is of an item that no client offered.
var errNoUID = errors.New("an item without a uid")

// uidsOf returns the numbers of all items in an OTLP request. With errNoUID it returns those that have one.
func uidsOf(path string, body []byte) ([]uint64, error) {
	var uids []uint64
	var firstErr error
	take := func(attrs pcommon.Map) {
		v, ok := attrs.Get("uid")
		if !ok {
			v, ok = attrs.Get("datadog.context.uid") // of RUM
		}
		text := ""
		if ok {
			text = v.AsString()
		}
		uid, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			uids = append(uids, uid)
		} else if firstErr == nil {
			firstErr = fmt.Errorf("%w: %v", errNoUID, attrs.AsRaw())
		}
	}
	switch {
	case strings.Contains(path, "traces"):
		req := ptraceotlp.NewExportRequest()
		if err := req.UnmarshalProto(body); err != nil {
			return nil, err
		}
		for _, rs := range req.Traces().ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					take(span.Attributes())
				}
			}
		}
	case strings.Contains(path, "logs"):
		req := plogotlp.NewExportRequest()
		if err := req.UnmarshalProto(body); err != nil {
			return nil, err
		}
		for _, rl := range req.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					take(lr.Attributes())
				}
			}
		}
	default:
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalProto(body); err != nil {
			return nil, err
		}
		for _, rm := range req.Metrics().ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() != "orders" {
						continue // what receivers count of their own, such as RUM's metrics
					}
					for _, point := range m.Gauge().DataPoints().All() {
						take(point.Attributes())
					}
				}
			}
		}
	}
	return uids, firstErr
}

// CountQuarantine writes down as arrived what a collector put in quarantine.
func CountQuarantine(t testing.TB, ledger *Ledger, dataDir string) (requests int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dataDir, "quarantine", "*.pb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		uids, err := uidsOf(file, body)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		ledger.Arrived(uids)
	}
	return len(files)
}
