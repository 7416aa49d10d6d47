package admissioncost

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// without receives OTLP and hands it to nobody, so that receiving is all that is measured.
const without = `
extensions: {health_check: {}}
receivers: {otlp: {protocols: {grpc: {}, http: {}}}}
exporters: {nop: {}}
service:
  extensions: [health_check]
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}
`

// admission is laid over it, as the shipped configurations have it.
const admission = `
extensions: {admission: {}}
receivers:
  otlp:
    protocols:
      grpc: {middlewares: [id: admission], max_recv_msg_size_mib: 8}
      http: {middlewares: [id: admission], compression_algorithms: []}
service: {extensions: [admission, health_check]}
`

// requests is how many each round sends, rounds how often A B B A is run.
const (
	requests = 100
	rounds   = 12
)

// BenchmarkAdmission prints the CPU time that the collector takes for a request of 500 spans, without and with admission,
// A B B A in one run. The share is printed and not asserted: other processes on the machine are in it.
func BenchmarkAdmission(b *testing.B) {
	start := func(configs ...string) *collector.Collector {
		var files []string
		for i, text := range configs {
			file := filepath.Join(b.TempDir(), strconv.Itoa(i)+".yaml")
			require.NoError(b, os.WriteFile(file, []byte(text), 0o600))
			files = append(files, file)
		}
		c := collector.New(b, collector.Options{Configs: files, Env: []string{"GOMEMLIMIT=409MiB", "GOGC=" + cmp.Or(os.Getenv("GOGC"), "100")}})
		c.Run()
		return c
	}
	a, x := start(without), start(without, admission)
	bodies := batches(b)
	for _, encoding := range []string{"", "gzip"} {
		sent := bodies
		if encoding != "" {
			sent = packed(b, bodies)
		}
		for name, post := range map[string]func(*collector.Collector, []byte){
			"HTTP": poster(b, encoding), "gRPC": caller(b, encoding),
		} {
			b.Run(strings.TrimSuffix(name+" "+encoding, " "), func(b *testing.B) {
				for range b.N {
					measure(b, a, x, sent, post)
				}
			})
		}
	}
}

func measure(b *testing.B, without, with *collector.Collector, bodies [][]byte, post func(*collector.Collector, []byte)) {
	var ticks, count [2]int
	run := func(side int, c *collector.Collector) {
		before := cpuTicks(b, c.Pid())
		for i := range requests {
			post(c, bodies[i%len(bodies)])
		}
		ticks[side] += cpuTicks(b, c.Pid()) - before
		count[side] += requests
	}
	for _, c := range []*collector.Collector{without, with} { // connections, buffers, the heap's size
		for i := range 2 * len(bodies) {
			post(c, bodies[i%len(bodies)])
		}
	}
	for range rounds {
		run(0, without)
		run(1, with)
		run(1, with)
		run(0, without)
	}
	each := func(side int) float64 { return float64(ticks[side]) * 10 / float64(count[side]) }
	b.ReportMetric(each(0), "ms-CPU/request-without")
	b.ReportMetric(each(1), "ms-CPU/request-with")
	b.ReportMetric(100*(each(1)/each(0)-1), "%-more")
	b.ReportMetric(0, "ns/op")
}

// cpuTicks is what a process has taken of the processors, in hundredths of a second.
func cpuTicks(b *testing.B, pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return user + system
}

func poster(b *testing.B, encoding string) func(*collector.Collector, []byte) {
	return func(c *collector.Collector, body []byte) {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+c.OTLPHTTP+"/v1/traces", bytes.NewReader(body))
		require.NoError(b, err)
		req.Header.Set("Content-Type", "application/x-protobuf")
		if encoding != "" {
			req.Header.Set("Content-Encoding", encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.Equal(b, http.StatusOK, resp.StatusCode, "%s", answer)
	}
}

// caller sends messages that are packed already, so that both sides get the same bytes.
func caller(b *testing.B, encoding string) func(*collector.Collector, []byte) {
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: plain}}
	return func(c *collector.Collector, body []byte) {
		head := []byte{0}
		if encoding != "" {
			head[0] = 1
		}
		head = binary.BigEndian.AppendUint32(head, uint32(len(body)))
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+c.OTLPGRPC+"/opentelemetry.proto.collector.trace.v1.TraceService/Export",
			io.MultiReader(bytes.NewReader(head), bytes.NewReader(body)))
		require.NoError(b, err)
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		if encoding != "" {
			req.Header.Set("Grpc-Encoding", encoding)
		}
		resp, err := client.Do(req)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.Equal(b, "0", resp.Trailer.Get("Grpc-Status"), "%s", resp.Trailer.Get("Grpc-Message"))
	}
}

func packed(b *testing.B, bodies [][]byte) (out [][]byte) {
	for _, body := range bodies {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, err := w.Write(body)
		require.NoError(b, err)
		require.NoError(b, w.Close())
		out = append(out, buf.Bytes())
	}
	return out
}
