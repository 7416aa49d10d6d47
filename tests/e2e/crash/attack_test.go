package crash

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
)

const (
	protobuf = "application/x-protobuf"
	msgpack  = "application/msgpack"
)

// oneOfEachKind are the attacks of the short form.
var oneOfEachKind = []string{
	"OTLP/HTTP 10 x empty spans, gzip",
	"OTLP/HTTP 9000 maps in one another",
	"OTLP/JSON 4 x 8 MB of {}",
	"OTLP/HTTP 20 x 256 MiB of zeros, gzip",
	"OTLP/HTTP 80 x 7 MB unfinished",
	"OTLP/gRPC 20 calls of empty spans, gzip",
	"OTLP/gRPC 20 connections x 5 streams x 7 MB unfinished",
	"Datadog 8 x 99 000 spans of two fields, gzip",
	"Datadog 8 x 65 000 tags on each of 12 spans, gzip",
	"RUM 40 x 256 MiB of zeros, deflate",
	"RUM 8 x 10 MB of {",
	"6 000 OTLP/gRPC connections",
}

// attacks is what strangers can send.
func attacks() (list []attack) {
	add := func(name string, prepare func() act) { list = append(list, attack{name: name, prepare: prepare}) }
	may := func(name string, prepare func() act) {
		list = append(list, attack{name: name, prepare: prepare, mayPass: true})
	}
	empty := emptyOTLP()
	names := make([]string, 0, len(empty))
	for name := range empty {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e := empty[name]
		run := add
		if name == "bucket counts" || name == "array elements" { // of which eight million fit
			run = may
		}
		run("OTLP/HTTP 8 MB of empty "+name, func() act { return posts(1, toOTLP, "/v1/"+e.signal, protobuf, "", e.body) })
		run("OTLP/HTTP gzip of empty "+name, func() act { return posts(4, toOTLP, "/v1/"+e.signal, protobuf, "gzip", compressAs("gzip", e.body)) })
	}
	spans := empty["spans"].body
	for _, encoding := range []string{"gzip", "deflate", "zstd", "snappy", "x-snappy-framed", "lz4"} {
		add("OTLP/HTTP 10 x empty spans, "+encoding, func() act { return posts(10, toOTLP, "/v1/traces", protobuf, encoding, compressAs(encoding, spans)) })
	}
	add("OTLP/HTTP 10 x empty spans", func() act { return posts(10, toOTLP, "/v1/traces", protobuf, "", spans) })
	for _, encoding := range []string{"gzip", "zstd", "snappy"} {
		format := encoding
		if format == "snappy" {
			format = "x-snappy-framed"
		}
		add("OTLP/gRPC 20 calls of empty spans, "+encoding, func() act { return grpcCalls(1, 20, encoding, compressAs(format, spans), true) })
	}
	may("OTLP/gRPC 10 connections of empty spans", func() act { return grpcCalls(10, 1, "", spans, true) }) // answers are not read
	may("OTLP/gRPC 1 000 calls of 8 kB gzip on 10 connections", func() act { return grpcCalls(10, 100, "gzip", compressAs("gzip", spans), true) })
	json := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat(`{},`, eightMB/3) + `{}]}]}]}`)
	add("OTLP/JSON 4 x 8 MB of {}", func() act { return posts(4, toOTLP, "/v1/traces", "application/json", "", json) })
	add("OTLP/JSON gzip of {}", func() act {
		return posts(4, toOTLP, "/v1/traces", "application/json", "gzip", compressAs("gzip", json))
	})
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 90_000)
	add("OTLP/JSON 90 000 arrays in one another", func() act {
		return posts(4, toOTLP, "/v1/logs", "application/json", "",
			[]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":`+deep+strings.Repeat(`]}}`, 90_000)+`}]}]}]}`))
	})
	for _, depth := range []int{200, 2000, 9000} {
		add(fmt.Sprintf("OTLP/HTTP %d maps in one another", depth), func() act { return posts(4, toOTLP, "/v1/logs", protobuf, "", nestedOTLP(depth)) })
	}
	add("OTLP/HTTP garbage", func() act { return posts(4, toOTLP, "/v1/traces", protobuf, "", []byte("not protobuf at all, is it?")) })
	for _, encoding := range []string{"gzip", "zstd", "deflate"} {
		bomb := sync.OnceValue(func() []byte { return zeros(encoding, 256) })
		add("OTLP/HTTP 20 x 256 MiB of zeros, "+encoding, func() act { return posts(20, toOTLP, "/v1/traces", protobuf, encoding, bomb()) })
		add("Datadog 20 x 256 MiB of zeros, "+encoding, func() act { return posts(20, toDatadog, "/v0.4/traces", msgpack, encoding, bomb()) })
		if encoding != "zstd" {
			add("RUM 40 x 256 MiB of zeros, "+encoding, func() act {
				return posts(40, toRUM, "/api/v2/rum?dd-api-key=x&ddsource=browser", "text/plain", encoding, bomb())
			})
		}
	}
	for _, log := range []int{27, 29} {
		window := zstdWindow(log, 4<<20)
		add(fmt.Sprintf("OTLP/HTTP 20 x a zstd window of 2^%d", log), func() act { return posts(20, toOTLP, "/v1/logs", protobuf, "zstd", window) })
		add(fmt.Sprintf("OTLP/gRPC 20 x a zstd window of 2^%d", log), func() act { return grpcCalls(2, 10, "zstd", window, true) })
		add(fmt.Sprintf("Datadog 20 x a zstd window of 2^%d", log), func() act { return posts(20, toDatadog, "/v0.4/traces", msgpack, "zstd", window) })
	}
	add("OTLP/HTTP 80 x 7 MB unfinished", func() act { return holds(80, 8_000_000, 7_000_000, toOTLP, "/v1/traces", protobuf, 3*time.Second) })
	add("Datadog 14 x 25 MB unfinished", func() act {
		return holds(14, 25_000_000, 24_000_000, toDatadog, "/v0.4/traces", msgpack, 3*time.Second)
	})
	add("RUM 40 x 10 MB unfinished", func() act {
		return holds(40, 10_000_000, 9_000_000, toRUM, "/api/v2/rum?dd-api-key=x", "text/plain", 3*time.Second)
	})
	add("OTLP/gRPC 20 connections x 5 streams x 7 MB unfinished", func() act { return grpcHolds(20, 5, 7_000_000, 2*time.Second) })
	add("OTLP/gRPC 80 connections x 7 MB unfinished", func() act { return grpcHolds(80, 1, 7_000_000, 2*time.Second) })
	add("OTLP/gRPC 40 complete messages whose call never ends", func() act { return grpcCalls(4, 10, "", wireWithin(make([]byte, 50_000), 99), false) })
	for _, b := range datadogBombs() {
		may("Datadog 8 x "+b.name, func() act { return posts(8, toDatadog, b.path, msgpack, "", b.body()) })
		may("Datadog 8 x "+b.name+", gzip", func() act { return posts(8, toDatadog, b.path, msgpack, "gzip", compressAs("gzip", b.body())) })
	}
	may("RUM 20 x 9 MB of events", func() act {
		return posts(20, toRUM, "/api/v2/rum?dd-api-key=x&ddsource=browser", "text/plain", "", rumEvents(9))
	})
	may("RUM 40 x 9 MB of events, deflate", func() act {
		return posts(40, toRUM, "/api/v2/rum?dd-api-key=y&ddsource=browser", "text/plain", "deflate", compressAs("deflate", rumEvents(9)))
	})
	may("RUM 8 x 10 MB of {", func() act {
		return posts(8, toRUM, "/api/v2/rum?dd-api-key=z", "text/plain", "", []byte(strings.Repeat(`{"a":`, 1_900_000)))
	})
	body := "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n"
	may("100 bodies a byte at a time", func() act {
		return trickles(100, toOTLP, fmt.Sprintf(body, "/v1/traces", protobuf), 100*time.Millisecond, 6*time.Second)
	})
	may("1 000 Datadog bodies a byte at a time", func() act {
		return trickles(1000, toDatadog, fmt.Sprintf(body, "/v0.4/traces", msgpack), 200*time.Millisecond, 6*time.Second)
	})
	may("3 000 HTTP headers that do not end", func() act { return floods(3000, toOTLP, "POST /v1/traces HTTP/1.1\r\nHost: x\r\n") })
	may("4 000 silent OTLP/HTTP connections", func() act { return floods(4000, toOTLP, "") })
	may("4 000 silent Datadog connections", func() act { return floods(4000, toDatadog, "") })
	may("6 000 OTLP/gRPC connections", func() act {
		return floods(6000, func(t targets) string { return t.otlpGRPC }, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	})
	may("OTLP/gRPC rapid reset", func() act {
		return frameFloods(10, func(c *http2Conn) error {
			id, err := c.call()
			if err != nil {
				return err
			}
			return c.WriteRSTStream(id, http2.ErrCodeCancel)
		})
	})
	may("OTLP/gRPC ping flood", func() act {
		return frameFloods(10, func(c *http2Conn) error { return c.WritePing(false, [8]byte{1}) })
	})
	may("OTLP/gRPC settings flood", func() act {
		return frameFloods(10, func(c *http2Conn) error { return c.WriteSettings() })
	})
	may("OTLP/gRPC headers without data", func() act {
		return frameFloods(40, func(c *http2Conn) error { _, err := c.call(); return err })
	})
	may("OTLP/gRPC 500 frames whose head says 16 MB", func() act {
		return frameFloods(500, func(c *http2Conn) error {
			if c.next > 1 {
				time.Sleep(10 * time.Millisecond)
				return c.WritePing(true, [8]byte{})
			}
			id, err := c.call()
			if err == nil {
				_, err = c.Conn.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, byte(id)})
			}
			return err
		})
	})
	may("OTLP/gRPC frames of one byte", func() act {
		return frameFloods(10, func(c *http2Conn) error {
			if c.next == 1 {
				if _, err := c.call(); err != nil {
					return err
				}
				return c.WriteData(1, false, binary.BigEndian.AppendUint32([]byte{0}, 7_000_000))
			}
			return c.WriteData(1, false, []byte{1})
		})
	})
	return list
}

// watched is what was seen of a collector while it was attacked.
type watched struct {
	mu         sync.Mutex
	peak, last int64
}

func (w *watched) see(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peak, w.last = max(w.peak, n), max(w.last, n)
}

// since returns the most since it was asked last.
func (w *watched) since() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.last
	w.last = 0
	return n
}

// T9: nothing a stranger sends ends the process, costs more memory than is stated, or keeps those who behave from being served.
func TestNothingAStrangerSendsEndsTheProcess(t *testing.T) {
	list, only := attacks(), os.Getenv("CRASH_ATTACK")
	all := os.Getenv("CRASH_SOAK") != "" || only != ""
	keep := func(a attack) bool { return strings.Contains(a.name, only) }
	if !all {
		keep = func(a attack) bool { return slices.Contains(oneOfEachKind, a.name) }
	}
	list = slices.DeleteFunc(list, func(a attack) bool { return !keep(a) })
	require.NotEmpty(t, list, "no attack has %q in its name", only)
	if !all {
		require.Len(t, list, len(oneOfEachKind), "a name of the short form is none of an attack")
	}
	t.Run("agent in 512 MiB", func(t *testing.T) { besiege(t, "agent", 512, list) })
	if all {
		t.Run("gateway in 1024 MiB", func(t *testing.T) { besiege(t, "gateway", 1024, list) })
	}
}

func besiege(t *testing.T, config string, mib int64, list []attack) {
	limit := mib << 20
	ledger := NewLedger()
	o := rigOptions{base: "config/" + config + ".yaml", configs: []string{"config/examples/rum.yaml"},
		overlay: `{receivers: {datadog_rum: {rate_limit: {per_ip: 0, per_token: 0}}}}`, // all come from one address here
		env:     []string{fmt.Sprintf("OTELCOL_OBS_MEMORY_MIB=%d", mib*3/4), fmt.Sprintf("OTELCOL_OBS_MEMORY_SPIKE_MIB=%d", mib*3/16)}}
	group, err := newMemoryGroup(t, limit)
	if err == nil {
		t.Logf("in a control group of %d MiB (version 2: %v), GOMEMLIMIT not set", mib, group.v2)
		o.prefix = group.prefix()
	} else {
		t.Logf("without a control group, since %v: GOMEMLIMIT and anonymous memory are watched", err)
		o.env = append(o.env, fmt.Sprintf("GOMEMLIMIT=%dMiB", mib*4/5))
	}
	backend := StartBackend(t, ledger)
	backend.Strangers = true // some of what they send is within every bound
	r := newRigOn(t, ledger, backend, o)
	r.Run()
	pid := r.Pid()
	var seen watched
	watch, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-watch.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			n, err := memory(pid, "RssAnon")
			if group != nil {
				n, err = group.anonymous()
			}
			if err == nil {
				seen.see(n)
			}
		}
	})
	defer watching.Wait()
	defer stop()

	grpc, err := newOTLPGRPC(r.OTLPGRPC, 100)
	require.NoError(t, err)
	good := func(name string, s sender) *Client {
		return &Client{Source: ledger.Source(name), Batch: 20, Every: 200 * time.Millisecond, sender: s}
	}
	fleet := StartFleet(t.Context(),
		good("OTLP gRPC traces", grpc), good("OTLP HTTP logs", newOTLPHTTP(r.OTLPHTTP, 100)),
		good("Datadog v0.4 traces", newDatadog04(r.Datadog, 100)), good("RUM", newRUM(r.DatadogRUM, false)))
	to := targets{r.OTLPGRPC, r.OTLPHTTP, r.Datadog, r.DatadogRUM}
	var table strings.Builder
	for _, a := range list {
		run := a.prepare()
		seen.since()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		got := run(ctx, to)
		cancel()
		fmt.Fprintf(&table, "%5.1fs %4d MiB  %-58s %s\n", time.Since(start).Seconds(), seen.since()>>20, a.name, got)
		if !alive(r.Health) {
			t.Logf("\n%s", &table)
			t.Fatalf("%s ended the process", a.name)
		}
		if !a.mayPass && got.accepted() > 0 {
			t.Errorf("%s: %d were accepted", a.name, got.accepted())
		}
	}
	r.eventually("each client has been served", time.Minute, func() bool {
		return !slices.ContainsFunc(fleet.clients, func(c *Client) bool { return c.served() <= 10 })
	})
	fleet.Stop(20 * time.Second)
	r.eventually("the queues are empty, of what was accepted from strangers too", 5*time.Minute, func() bool { return r.metric("otelcol_exporter_queue_size") == 0 })
	r.drained(time.Minute)
	t.Logf("peak anonymous memory %d of %d MiB\n%s", seen.peak>>20, mib, &table)
	t.Logf("good clients: p50 %s p99 %s worst %s; %s", fleet.Latency(50).Round(time.Microsecond), fleet.Latency(99).Round(time.Microsecond), fleet.Latency(100).Round(time.Microsecond), fleet.Errors())
	require.NotContains(t, r.Log(), "panic:")
	require.LessOrEqual(t, seen.peak, limit*9/10, "anonymous memory")
	r.eventually("the pools are empty", 30*time.Second, func() bool { return r.metric("otelcol_admission_held_bytes") == 0 })
	require.Zero(t, r.metric("otelcol_admission_orphaned_bytes"))
	require.Positive(t, r.metric("otelcol_admission_refused_requests"))
	r.verdict("strangers and clients")
}

func alive(health string) bool {
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + health + "/")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
