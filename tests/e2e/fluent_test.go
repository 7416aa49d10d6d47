package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// fluentChunk is a chunk of n records in forward mode that asks for an acknowledgement.
func fluentChunk(chunk string, n int) []byte {
	b := msgp.AppendArrayHeader(nil, 3)
	b = msgp.AppendString(b, "app.shop")
	b = msgp.AppendArrayHeader(b, uint32(n))
	for i := range n {
		b = msgp.AppendArrayHeader(b, 2)
		b = msgp.AppendInt64(b, time.Now().Unix())
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(msgp.AppendString(b, "log"), fmt.Sprintf(`{"event":"order placed","level":"info","order":%d}`, i))
		b = msgp.AppendString(msgp.AppendString(b, "container_id"), strings.Repeat("ab", 32))
	}
	b = msgp.AppendMapHeader(b, 1)
	return msgp.AppendString(msgp.AppendString(b, "chunk"), chunk)
}

// sendFluent sends a message and waits for its acknowledgement.
func sendFluent(conn net.Conn, message []byte, chunk string) error {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	want := msgp.AppendString([]byte("\x81\xa3ack"), chunk)
	got := make([]byte, 512)
	n, err := conn.Read(got)
	if err == nil && !bytes.Equal(got[:n], want) {
		err = fmt.Errorf("%x is no acknowledgement of %s", got[:n], chunk)
	}
	return err
}

// residentKB reads a line of /proc/<pid>/status.
func residentKB(t testing.TB, c *collector.Collector, key string) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid()))
	require.NoError(t, err)
	m := regexp.MustCompile(key + `:\s+(\d+) kB`).FindSubmatch(raw)
	require.NotNil(t, m)
	n, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return n
}

func dialMany(t testing.TB, addr string, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	var dialing sync.WaitGroup
	for worker := range 20 {
		dialing.Go(func() {
			for i := worker; i < n; i += 20 {
				conn, err := net.DialTimeout("tcp", addr, 30*time.Second)
				if err == nil {
					conns[i] = conn
				}
			}
		})
	}
	dialing.Wait()
	t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	})
	for _, conn := range conns {
		require.NotNil(t, conn)
	}
	return conns
}

// acksOf lets each connection send chunks and returns how long the acknowledgements took.
func acksOf(t testing.TB, conns []net.Conn, chunks int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(conns)*chunks)
	errs := make([]error, len(conns))
	var sending sync.WaitGroup
	for i, conn := range conns {
		sending.Go(func() {
			for j := range chunks {
				chunk := fmt.Sprintf("%d-%d", i, j)
				message := fluentChunk(chunk, 100)
				began := time.Now()
				if errs[i] = sendFluent(conn, message, chunk); errs[i] != nil {
					return
				}
				took[i*chunks+j] = time.Since(began)
			}
		})
	}
	sending.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	slices.Sort(took)
	return took
}

// Ten thousand connections, most of them idle, cost little memory, and those that send are served as contrib's receiver serves its
// hundred.
func TestTenThousandFluentConnections(t *testing.T) {
	const connections, senders, contribs, chunks = 9_900, 200, 90, 5
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.GreaterOrEqual(t, limit.Cur, uint64(connections+1000), "this needs more open files: ulimit -n 20000")
	contrib := collector.FreePorts(t, 1)[0]
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/debug.yaml"},
		Overlay: fmt.Sprintf(`
receivers: {fluent_forward: {endpoint: %q}}
service: {pipelines: {logs: {receivers: [otlp, fluent, fluent_forward]}}}
`, contrib),
	})
	warm := dialMany(t, c.Fluent, 1)
	acksOf(t, warm, 3)
	before := residentKB(t, c, "RssAnon")
	conns := dialMany(t, c.Fluent, connections)
	require.Eventually(t, func() bool { return fluentConnections(c) == connections+1 }, time.Minute, 50*time.Millisecond)
	idle := residentKB(t, c, "RssAnon") - before
	t.Logf("%d idle connections: %d KB resident, %.1f KB each", connections, idle, float64(idle)/connections)
	require.LessOrEqual(t, idle, 80<<10)

	ours := acksOf(t, conns[:senders], chunks)
	theirs := acksOf(t, dialMany(t, contrib, contribs), chunks)
	p := func(took []time.Duration, percent int) time.Duration { return took[len(took)*percent/100] }
	t.Logf("acknowledgements of chunks of 100 records: fluent with %d connections of which %d send p50 %s, p99 %s; fluent_forward with %d p50 %s, p99 %s",
		connections+1, senders, p(ours, 50), p(ours, 99), contribs, p(theirs, 50), p(theirs, 99))
}

// fluentConnections is what the metric says, -1 without.
func fluentConnections(c *collector.Collector) int {
	m := regexp.MustCompile(`(?m)^otelcol_receiver_fluent_connections\{[^}]*\} (\d+)`).FindStringSubmatch(c.Scrape())
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func fluentGzip(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// hostileFluent is what killed or stopped fluent_forward, each by itself.
func hostileFluent() map[string][]byte {
	packed := func(entries []byte, compression string) []byte {
		b := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "t"), entries)
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(msgp.AppendString(b, "compressed"), compression)
		return msgp.AppendString(msgp.AppendString(b, "chunk"), "bomb")
	}
	line := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(msgp.AppendInt(msgp.AppendArrayHeader(nil, 2), 1), 1), "log"), strings.Repeat("A", 1000))
	in := map[string][]byte{
		"str32 tag of 4 GiB":               {0x93, 0xdb, 0xff, 0xff, 0xff, 0xff},
		"str32 tag of 64 MiB":              {0x93, 0xdb, 0x04, 0, 0, 0},
		"array32 of 2^31 entries":          {0x92, 0xa1, 't', 0xdd, 0x7f, 0xff, 0xff, 0xff},
		"bin32 entries of 4 GiB":           {0x92, 0xa1, 't', 0xc6, 0xff, 0xff, 0xff, 0xff},
		"bin32 entries of 256 MiB":         {0x92, 0xa1, 't', 0xc6, 0x10, 0, 0, 0},
		"map32 record of 2^31":             {0x93, 0xa1, 't', 1, 0xdf, 0x7f, 0xff, 0xff, 0xff},
		"array32 value of 2^31":            {0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k', 0xdd, 0x7f, 0xff, 0xff, 0xff},
		"map32 value of 10^8":              {0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k', 0xdf, 0x05, 0xf5, 0xe1, 0},
		"str32 value of 1 GiB":             {0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k', 0xdb, 0x40, 0, 0, 0},
		"options of 2^31":                  {0x94, 0xa1, 't', 1, 0x80, 0xdf, 0x7f, 0xff, 0xff, 0xff},
		"options of 10^8":                  {0x94, 0xa1, 't', 1, 0x80, 0xdf, 0x05, 0xf5, 0xe1, 0},
		"ext32 time of 1 GiB":              {0x93, 0xa1, 't', 0xc9, 0x40, 0, 0, 0, 0},
		"10^6 nested arrays":               append([]byte{0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k'}, bytes.Repeat([]byte{0x91}, 1_000_000)...),
		"10^6 nested maps":                 append([]byte{0x93, 0xa1, 't', 1}, bytes.Repeat([]byte{0x81, 0xa1, 'k'}, 1_000_000)...),
		"gzip of 64 MiB of records":        packed(fluentGzip(bytes.Repeat(line, 64<<20/len(line))), "gzip"),
		"gzip of 8 MiB of empty records":   packed(fluentGzip(bytes.Repeat([]byte{0x92, 0x00, 0x80}, 8<<20/3)), "gzip"),
		"gzip of 64 MiB of empty records":  packed(fluentGzip(bytes.Repeat([]byte{0x92, 0x00, 0x80}, 64<<20/3)), "gzip"),
		"a record of 2 million small keys": append(binary.BigEndian.AppendUint32([]byte{0x93, 0xa1, 't', 1, 0xdf}, 2_000_000), bytes.Repeat([]byte{0xa1, 'k', 0xc0}, 2_000_000)...),
	}
	return in
}

// Each hostile message, ten times and held open, leaves the collector alive in 512 MiB, and a good sender served.
func TestHostileFluentMessagesDoNotHurtOthers(t *testing.T) {
	c := collector.Start(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/debug.yaml"},
		Env:     []string{"GOMEMLIMIT=409MiB", "OTELCOL_OBS_MEMORY_MIB=384", "OTELCOL_OBS_MEMORY_SPIKE_MIB=96"},
	})
	good := dialMany(t, c.Fluent, 1)[0]
	n := 0
	for name, message := range hostileFluent() {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				conn, err := net.Dial("tcp", c.Fluent)
				require.NoError(t, err)
				t.Cleanup(func() { conn.Close() })
				require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
				// Half of them are refused while they are being written.
				_, _ = conn.Write(message)
				n++
				chunk := strconv.Itoa(n)
				require.NoError(t, sendFluent(good, fluentChunk(chunk, 10), chunk))
			}
		})
	}
	peak := residentKB(t, c, "VmHWM")
	t.Logf("peak of the process %d MiB, now %d MiB of its own", peak>>10, residentKB(t, c, "RssAnon")>>10)
	require.LessOrEqual(t, peak, 512<<10)
}
