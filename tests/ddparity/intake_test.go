package ddparity

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"google.golang.org/protobuf/proto"
)

// intake keeps what it is sent.
type intake struct {
	url string

	mu       sync.Mutex
	payloads []*pb.AgentPayload
	stats    []*pb.StatsPayload
	errs     []error
	changed  chan struct{}
}

func newIntake(t testing.TB) *intake {
	in := &intake{changed: make(chan struct{})}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := in.take(r)
		in.mu.Lock()
		if err != nil {
			in.errs = append(in.errs, err)
		}
		close(in.changed)
		in.changed = make(chan struct{})
		in.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	in.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		in.mu.Lock()
		defer in.mu.Unlock()
		require.Empty(t, in.errs)
	})
	return in
}

func (in *intake) take(r *http.Request) error {
	var src io.Reader = r.Body
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		src = z
	case "zstd":
		z, err := zstd.NewReader(r.Body)
		if err != nil {
			return err
		}
		defer z.Close()
		src = z
	}
	raw, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch r.URL.Path {
	case "/api/v0.2/traces":
		p := new(pb.AgentPayload)
		if err := proto.Unmarshal(raw, p); err != nil {
			return err
		}
		for _, tp := range p.IdxTracerPayloads {
			p.TracerPayloads = append(p.TracerPayloads, indexed{tp}.payload())
		}
		in.payloads = append(in.payloads, p)
	case "/api/v0.2/stats":
		p := new(pb.StatsPayload)
		if err := msgp.Decode(bytes.NewReader(raw), p); err != nil {
			return err
		}
		in.stats = append(in.stats, p)
	}
	return nil
}

// arrived is a span with what is said around it.
type arrived struct {
	*pb.Span
	chunk   *pb.TraceChunk
	payload *pb.TracerPayload
	agent   *pb.AgentPayload
}

// spans waits until at least n spans have come and returns them by id.
func (in *intake) spans(t testing.TB, n int) map[uint64]arrived {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		in.mu.Lock()
		found := map[uint64]arrived{}
		for _, p := range in.payloads {
			for _, tp := range p.TracerPayloads {
				for _, c := range tp.Chunks {
					for _, s := range c.Spans {
						found[s.SpanID] = arrived{s, c, tp, p}
					}
				}
			}
		}
		changed := in.changed
		in.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d of %d spans came", len(found), n)
		}
	}
}

func (in *intake) reset() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.payloads, in.stats = nil, nil
}
