package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/inflate"
	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// dockerMessage is a record as Docker's fluentd driver sends it, 243 bytes in all.
func dockerMessages(n int) Raw {
	entries := make([]any, n)
	for i := range entries {
		entries[i] = Array(EventTime(sent, uint32(i)), Map("container_id", fmt.Sprintf("%064x", 7), "container_name", "/shop-web-1", "source", "stdout",
			"log", fmt.Sprintf(`127.0.0.1 - - [27/Nov/2026:16:00:00 +0000] "GET /orders/%06d HTTP/1.1" 200 512`, i)))
	}
	return Array("docker.0123456789ab", Array(entries...), Map("chunk", "c1"))
}

// kubernetesMessages are records as Fluent Bit's kubernetes filter writes them, of pods in turn.
func kubernetesMessages(n, pods int) Raw {
	entries := make([]any, n)
	for i := range entries {
		pod := i % pods
		entries[i] = Array(Array(EventTime(sent, uint32(i)), Map()), Map(
			"time", fmt.Sprintf("2026-11-27T16:00:00.%09dZ", i), "stream", "stdout", "_p", "F",
			"log", fmt.Sprintf(`{"event":"order placed","level":"info","logger":"shop.orders","order":%d,"amount":12.5}`, i),
			"kubernetes", Map("pod_name", fmt.Sprintf("shop-7d9f8c6b5-%05d", pod), "namespace_name", "demo", "pod_id", fmt.Sprintf("8b6cbf4e-6c3b-4d8e-9d2e-%012d", pod),
				"host", "ip-10-0-0-1.eu-west-1.compute.internal", "container_name", "shop", "docker_id", fmt.Sprintf("%064x", pod),
				"container_hash", "registry.example/shop/web@sha256:"+strings.Repeat("ab", 32), "container_image", "registry.example/shop/web:1.2.3", "pod_ip", "10.0.0.7",
				"labels", Map("app", "shop", "pod-template-hash", "7d9f8c6b5", "app.kubernetes.io/name", "shop", "app.kubernetes.io/version", "1.2.3", "tags.datadoghq.com/env", "prod"),
				"annotations", Map("kubernetes.io/psp", "eks.privileged", "prometheus.io/scrape", "true", "checksum/config", strings.Repeat("cd", 32)))))
	}
	return Array("kube.var.log.containers.shop", Array(entries...), Map("chunk", "c1", "size", n))
}

func structlogMessage() Raw {
	return Array("app.shop", EventTime(sent, 7), Map("message", "order placed", "level", "info", "logger", "shop.orders", "order", 41, "amount", 12.5), Map("chunk", "c1"))
}

func decodeInto(t testing.TB, d *Decoder, in []byte, h *Header) {
	out := plog.NewLogs()
	if _, err := d.Decode(h, receipt, unlimited, out); err != nil {
		t.Fatal(err)
	}
}

func headerOf(t testing.TB, in []byte) Header {
	var s msgpack.Scanner
	_, done, err := s.Feed(in)
	require.NoError(t, err)
	require.True(t, done)
	h, err := ParseHeader(in, s.Elements[:])
	require.NoError(t, err)
	return h
}

func TestARecordCostsFewAllocations(t *testing.T) {
	const n = 500
	for name, tc := range map[string]struct {
		in        Raw
		records   int
		perRecord float64
	}{
		"docker":              {dockerMessages(n), n, 6},
		"kubernetes":          {kubernetesMessages(4*n, 10), 4 * n, 8},
		"kubernetes, one pod": {kubernetesMessages(n, 1), n, 8},
		// One record in a message pays for the message too.
		"structlog": {structlogMessage(), 1, 20},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := New(allSources), headerOf(t, tc.in)
			allocs := testing.AllocsPerRun(20, func() { decodeInto(t, d, tc.in, &h) }) / float64(tc.records)
			t.Logf("%.2f allocations per record of %d bytes", allocs, len(tc.in)/tc.records)
			require.LessOrEqual(t, allocs, tc.perRecord)
		})
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What a stranger sends costs 1 MiB and 128 bytes a byte at most, counted after decompression, all that is thrown away again included.
func TestHostileBytesAllocateInProportion(t *testing.T) {
	entries := func(e Raw, n int) []byte { return bytes.Repeat(e, n) }
	empty := Array(0, Map())
	for name, tc := range map[string]struct {
		in   Raw
		size int // of the entries, decompressed
	}{
		"empty records":                     {Array("t", entries(empty, 100000)), 3 * 100000},
		"empty records, gzip":               {Array("t", Gzip(entries(empty, 400000))), 3 * 400000},
		"empty records, zstd":               {Array("t", Zstd(entries(empty, 400000))), 3 * 400000},
		"a record of empty maps":            {Array("t", 0, Map("log", append(header(0xdd, 300000), bytes.Repeat([]byte{0x80}, 300000)...))), 300000},
		"a record of empty arrays":          {Array("t", 0, Map("log", append(header(0xdd, 300000), bytes.Repeat([]byte{0x90}, 300000)...))), 300000},
		"a record of nils":                  {Array("t", 0, Map("log", append(header(0xdd, 300000), bytes.Repeat([]byte{0xc0}, 300000)...))), 300000},
		"a record of small keys":            {Array("t", 0, append(header(0xdf, 300000), bytes.Repeat([]byte{0xa1, 'k', 0xc0}, 300000)...)), 900000},
		"a record of distinct keys":         {Array("t", 0, distinctKeys(100000)), 600000},
		"a map of distinct keys":            {Array("t", 0, Map("log", distinctKeys(100000))), 600000},
		"a record of integer keys":          {Array("t", 0, append(header(0xdf, 300000), bytes.Repeat([]byte{0x01, 0xc0}, 300000)...)), 600000},
		"groups":                            {Array("t", entries(Array(EventTime(0xffffffff, 0), Map()), 100000)), 1200000},
		"origins that differ":               {Array("t", origins(20000)), len(origins(20000))},
		"nested as deep as it goes, 20 000": {Array("t", entries(Array(0, Map("k", append(bytes.Repeat([]byte{0x91}, 56), 0xc0))), 20000)), 20000 * 62},
		"one key of a megabyte":             {Array("t", 0, Map(strings.Repeat("\xff", 1<<20), 1)), 1 << 20},
		"zstd with a large window":          {Array("t", ZstdStream([]byte(empty))), len(empty)},
		"alternating origins beyond memory": {Array("t", origins(200)), len(origins(200))},
		"metadata of distinct keys":         {Array("t", Array(Array(Array(0, Map("otlp", Map("attributes", distinctKeys(50000)))), distinctKeys(50000)))), 600000},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := New(allSources), headerOf(t, tc.in)
			bound := uint64(1<<20 + 128*max(tc.size, len(tc.in)))
			if strings.HasPrefix(name, "zstd with") {
				// The window is a pool's, and bounded.
				bound += inflate.MaxWindow
			}
			got := allocated(func() { decodeInto(t, d, tc.in, &h) })
			t.Logf("%d bytes allocate %d: %.1f a byte", tc.size, got, float64(got)/float64(tc.size))
			require.LessOrEqual(t, got, bound)
		})
	}
}

func header(c byte, n int) Raw { return binary.BigEndian.AppendUint32(Raw{c}, uint32(n)) }

func distinctKeys(n int) Raw {
	b := []byte(header(0xdf, n))
	for i := range n {
		b = msgp.AppendNil(msgp.AppendBytes(b, []byte{byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	return b
}

func origins(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, Array(0, Map("container_id", i))...)
	}
	return b
}

func TestLimitsEndAMessageAndNameTheKeyToRaise(t *testing.T) {
	records := []byte(Values(entryOf(Map("log", "a")), entryOf(Map("log", "b")), entryOf(Map("log", "c"))))
	for want, tc := range map[string]struct {
		in     Raw
		limits Limits
	}{
		"more than max_records_per_message (2)":   {Array("t", records), Limits{Records: 2, Decompressed: 1 << 20, Charge: noCharge}},
		"more than max_decompressed_bytes (1000)": {Array("t", Gzip(entryOf(Map("log", strings.Repeat("a", 2000))))), Limits{Records: 9, Decompressed: 1000, Charge: noCharge}},
	} {
		h := headerOf(t, tc.in)
		_, err := New(0).Decode(&h, receipt, tc.limits, plog.NewLogs())
		require.EqualError(t, err, want)
		var tooLarge *TooLarge
		require.ErrorAs(t, err, &tooLarge)
	}
}

func TestWhatIsBuiltIsChargedBeforeAndARefusalEndsTheMessage(t *testing.T) {
	in := kubernetesMessages(2000, 10)
	h := headerOf(t, in)
	charged := 0
	_, err := New(allSources).Decode(&h, receipt, Limits{Records: 1 << 20, Charge: func(n int) error { charged += n; return nil }}, plog.NewLogs())
	require.NoError(t, err)
	t.Logf("%d bytes are charged %d", len(in), charged)
	require.Greater(t, charged, len(in))
	busy := errors.New("busy")
	_, err = New(allSources).Decode(&h, receipt, Limits{Records: 1 << 20, Charge: func(int) error { return busy }}, plog.NewLogs())
	require.ErrorIs(t, err, busy)
}

// The decoder never panics, what it says of itself adds up, and what it gives can be sent: valid UTF-8 and no key twice.
func FuzzDecode(f *testing.F) {
	for _, in := range forms {
		f.Add([]byte(in))
	}
	f.Add([]byte(kubernetesMessages(2, 2)))
	d := New(allSources)
	f.Fuzz(func(t *testing.T, in []byte) {
		var s msgpack.Scanner
		n, done, err := s.Feed(in)
		if err != nil || !done {
			return
		}
		h, err := ParseHeader(in[:n], s.Elements[:])
		if err != nil {
			return
		}
		out := plog.NewLogs()
		r, err := d.Decode(&h, receipt, Limits{Records: 10000, Decompressed: 1 << 20, Charge: noCharge}, out)
		var tooLarge *TooLarge
		if err != nil && !errors.As(err, &tooLarge) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if r.Records != out.LogRecordCount() {
			t.Fatalf("%d records said, %d there", r.Records, out.LogRecordCount())
		}
		checkSendable(t, out)
	})
}

func checkSendable(t *testing.T, out plog.Logs) {
	raw, err := (&plog.ProtoMarshaler{}).MarshalLogs(out)
	require.NoError(t, err)
	_, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(raw)
	require.NoError(t, err)
	for _, rl := range out.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				seen := map[string]bool{}
				for k, v := range lr.Attributes().All() {
					require.False(t, seen[k], k)
					seen[k] = true
					require.Equal(t, strings.ToValidUTF8(k, "?"), k)
					require.Equal(t, strings.ToValidUTF8(v.AsString(), "?"), v.AsString())
				}
			}
		}
	}
}
