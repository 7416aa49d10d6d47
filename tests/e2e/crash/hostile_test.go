package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// T9: ten thousand clients at once on each receiver that is asked to take them.
func TestTenThousandConnections(t *testing.T) {
	const connections = 10_000
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.GreaterOrEqual(t, limit.Cur, uint64(connections+1000), "this needs more open files: ulimit -n 20000")
	r := newRig(t, rigOptions{})
	r.Run()
	var refusal atomic.Pointer[string] // the first of OTLP gRPC
	// Each sends one item and says whether it was acknowledged.
	post := func(path, contentType string, encode func([]uint64) []byte) func(net.Conn, []uint64) (bool, error) {
		return func(conn net.Conn, uids []uint64) (bool, error) {
			status, err := postOn(conn, path, contentType, encode(uids))
			return status == http.StatusOK, err
		}
	}
	for name, target := range map[string]struct {
		addr string
		send func(net.Conn, []uint64) (bool, error)
	}{
		"OTLP gRPC": {r.OTLPGRPC, func(conn net.Conn, uids []uint64) (bool, error) {
			status, err := exportOn(conn, uids, 10)
			if status != "0" && err == nil {
				refusal.CompareAndSwap(nil, &status)
			}
			return status == "0", err
		}},
		"OTLP HTTP": {r.OTLPHTTP, post("/v1/logs", "application/x-protobuf", newOTLPHTTP("", 10).encode)},
		"Datadog":   {r.Datadog, post("/v0.4/traces", "application/msgpack", newDatadog04("", 10).encode)},
		"Fluent forward": {r.Fluent, func(conn net.Conn, uids []uint64) (bool, error) {
			client := &fluent{conn: conn, r: msgp.NewReader(conn), pad: 10}
			outcome, err := client.send(t.Context(), uids)
			return outcome == acked, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			source := r.ledger.Source(name)
			conns := make([]net.Conn, connections)
			defer func() {
				for _, c := range conns {
					if c != nil {
						_ = c.Close()
					}
				}
			}()
			start := time.Now()
			var failed atomic.Int64
			var wg sync.WaitGroup
			for worker := range 50 { // all are opened, then all send
				wg.Go(func() {
					for i := worker; i < connections; i += 50 {
						c, err := net.DialTimeout("tcp", target.addr, 10*time.Second)
						if err != nil {
							failed.Add(1)
							continue
						}
						conns[i] = c
					}
				})
			}
			wg.Wait()
			require.Zero(t, failed.Load(), "connections that were not made")
			opened := time.Since(start)
			for worker := range 50 {
				wg.Go(func() {
					for i := worker; i < connections; i += 50 {
						uids := source.Offer(1)
						taken, err := target.send(conns[i], uids)
						switch {
						case err != nil:
							failed.Add(1)
						case taken:
							source.Acked(uids)
						default:
							source.Refused(uids)
						}
					}
				})
			}
			wg.Wait()
			rss, err := memory(r.Pid(), "VmRSS")
			require.NoError(t, err)
			t.Logf("%d connections open in %s, one request on each in %s, %d MiB", connections, opened.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), rss>>20)
			require.Zero(t, failed.Load(), "connections without an answer")
		})
	}
	r.drained(time.Minute)
	if text := refusal.Load(); text != nil {
		t.Logf("OTLP gRPC was first refused with: %s", *text)
	}
	r.verdict("10 000 connections")
	r.memoryWithinLimit()
}

// postOn sends one request over a connection that is already open.
func postOn(conn net.Conn, path, contentType string, body []byte) (int, error) {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: crash\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
	if err != nil {
		return 0, err
	}
	answer := make([]byte, 64)
	n, err := io.ReadAtLeast(conn, answer, len("HTTP/1.1 200"))
	if err != nil {
		return 0, err
	}
	var status int
	_, err = fmt.Sscanf(string(answer[:n]), "HTTP/1.1 %d", &status)
	return status, err
}

func (r *rig) memoryWithinLimit() {
	r.t.Helper()
	peak, err := memory(r.Pid(), "VmHWM")
	require.NoError(r.t, err)
	r.t.Logf("peak memory %d MiB", peak>>20)
	require.LessOrEqual(r.t, peak, int64(1024<<20)*12/10, "memory: limit_mib and 20 %")
}

// T9: clients that send a byte now and then, and bodies that are bombs, beside
// clients that behave.
func TestSlowAndHostileClients(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.Run()
	fleet := StartFleet(t.Context(), r.clients(2000, 100)...)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, addr := range []string{r.OTLPHTTP, r.Datadog, r.DatadogRUM, r.OTLPGRPC} {
		for range 50 {
			wg.Go(func() { slowloris(ctx, addr) })
		}
	}
	for _, b := range bombs() {
		for _, url := range []string{
			"http://" + r.Datadog + "/v0.3/traces", "http://" + r.Datadog + "/v0.4/traces", "http://" + r.Datadog + "/v0.5/traces",
			"http://" + r.DatadogRUM + "/api/v2/rum", "http://" + r.OTLPHTTP + "/v1/traces",
		} {
			for range 4 {
				wg.Go(func() {
					status, err := b.post(ctx, url)
					if err == nil && status/100 == 2 {
						t.Errorf("%s was accepted by %s", b.name, url)
					}
				})
			}
		}
	}
	before := r.ledger.Total().Acked
	r.eventually("the others are served", 60*time.Second, func() bool { return r.ledger.Total().Acked > before+10_000 })
	cancel()
	wg.Wait()
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	t.Logf("acks of the others: p50 %s p99 %s", fleet.Latency(50), fleet.Latency(99))
	require.NotContains(t, r.Log(), "panic")
	r.memoryWithinLimit()
	r.verdict("slow and hostile clients")
}

// slowloris sends a request a byte at a time until it is thrown out.
func slowloris(ctx context.Context, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	for _, b := range []byte("POST /v1/traces HTTP/1.1\r\nHost: crash\r\nContent-Length: 1000\r\nX-Slow: " + strings.Repeat("x", 500)) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
		if _, err := conn.Write([]byte{b}); err != nil {
			return
		}
	}
}

type bomb struct {
	name, contentType, encoding string
	body                        []byte
}

// bombs are small bodies that ask for much memory.
func bombs() []bomb {
	zeros := make([]byte, 1<<20)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	for range 500 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	var zst bytes.Buffer
	z, _ := zstd.NewWriter(&zst)
	for range 500 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	nested := bytes.Repeat([]byte{0x91}, 4<<20)
	table := msgp.AppendArrayHeader(nil, 2)
	table = msgp.AppendArrayHeader(table, 400_000_000)
	fields := msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), 1)
	fields = msgp.AppendMapHeader(fields, 400_000_000)
	return []bomb{
		{"a gzip bomb", "application/msgpack", "gzip", gz.Bytes()},
		{"a zstd bomb", "application/msgpack", "zstd", zst.Bytes()},
		{"100 million traces", "application/msgpack", "", []byte{0xdd, 0x05, 0xf5, 0xe1, 0x00}},
		{"a string table of 400 million", "application/msgpack", "", table},
		{"a span of 400 million fields", "application/msgpack", "", fields},
		{"4 million nested arrays", "application/msgpack", "", nested},
		{"a string of 4 GiB", "application/msgpack", "", []byte{0x91, 0x91, 0x81, 0xdb, 0xff, 0xff, 0xff, 0xff}},
	}
}

func (b bomb) post(ctx context.Context, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b.body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", b.contentType)
	if b.encoding != "" {
		req.Header.Set("Content-Encoding", b.encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
