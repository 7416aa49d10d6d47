package datadogrumreceiver

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// story is testdata/<case>/in.yaml: what SDKs sent, and how long we then wait.
type story struct {
	Requests []struct {
		URL      string            `yaml:"url"`
		Headers  map[string]string `yaml:"headers"`
		Encoding string            `yaml:"encoding"` // deflate, gzip, or query-deflate, which no header announces
		Body     string            `yaml:"body"`
		Status   int               `yaml:"status"`
	} `yaml:"requests"`
	Wait time.Duration `yaml:"wait"`
}

func readStory(t testing.TB, dir string) story {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "in.yaml"))
	require.NoError(t, err)
	var s story
	require.NoError(t, yaml.Unmarshal(raw, &s))
	return s
}

func TestGolden(t *testing.T) {
	goldentest.Cases(t, "testdata/*", func(t *testing.T, dir string) {
		g := newRig(t, func(cfg *Config) { goldentest.Config(t, dir, cfg); cfg.NetAddr.Endpoint = "127.0.0.1:0" }).start(nil)
		s := readStory(t, dir)
		for _, r := range s.Requests {
			var header []string
			for name, value := range r.Headers {
				header = append(header, name, value)
			}
			body := r.Body
			switch r.Encoding {
			case "deflate", "gzip":
				body = compress(t, r.Encoding, body)
				header = append(header, "Content-Encoding", r.Encoding)
			case "query-deflate":
				body = compress(t, "deflate", body)
			}
			want := r.Status
			if want == 0 {
				want = http.StatusAccepted
			}
			got := g.send(http.MethodPost, r.URL, body, header...)
			require.Equal(t, want, got.code, got.text)
			g.flushNow(session.Changed)
		}
		g.flush(s.Wait)

		td, ld, md := ptrace.NewTraces(), plog.NewLogs(), pmetric.NewMetrics()
		for _, one := range g.traces.AllTraces() {
			one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
		}
		for _, one := range g.logs.AllLogs() {
			one.ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
		}
		for _, one := range g.metrics.AllMetrics() {
			one.ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
		}
		goldentest.EqualTraces(t, filepath.Join(dir, "traces.yaml"), td)
		goldentest.EqualLogs(t, filepath.Join(dir, "logs.yaml"), ld)
		goldentest.EqualMetrics(t, filepath.Join(dir, "metrics.yaml"), md)
	})
}

func compress(t testing.TB, how, body string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = zlib.NewWriter(&out)
	if how == "gzip" {
		w = gzip.NewWriter(&out)
	}
	_, err := io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}
