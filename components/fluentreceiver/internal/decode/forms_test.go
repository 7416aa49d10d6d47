package decode

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/origin"
	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

var (
	receipt   = time.Unix(1800000000, 500).UTC()
	noCharge  = func(int) error { return nil }
	unlimited = Limits{Records: 1 << 30, Decompressed: 1 << 40, Charge: noCharge}
)

const allSources = origin.Kubernetes | origin.Docker | origin.ECS | origin.UnifiedTags

const sent = 1795771200 // seconds, as the senders' clocks say

func entryOf(record any) Raw { return Array(EventTime(sent, 123456789), record) }

// decodeAll decodes every message in b, fed as a connection would.
func decodeAll(t testing.TB, d *Decoder, b []byte, limits Limits) (out plog.Logs, sum Result, headers []Header) {
	t.Helper()
	out = plog.NewLogs()
	for len(b) > 0 {
		var s msgpack.Scanner
		n, done, err := s.Feed(b)
		require.NoError(t, err)
		require.True(t, done)
		h, err := ParseHeader(b[:n], s.Elements[:])
		require.NoError(t, err)
		r, err := d.Decode(&h, receipt, limits, out)
		require.NoError(t, err)
		sum.Records += r.Records
		for i := range r.Unreadable {
			sum.Unreadable[i] += r.Unreadable[i]
		}
		sum.Pieces = sum.Pieces || r.Pieces
		headers = append(headers, h)
		b = b[n:]
	}
	return out, sum, headers
}

// forms are the valid ways to write messages, and those a lenient receiver takes.
var forms = map[string]Raw{
	"message with an integer time":    Array("t", sent, Map("log", "a"), Map("chunk", "c1")),
	"message with an event time":      Array("t", EventTime(sent, 5), Map("log", "a"), Map("chunk", "c1")),
	"message with ext8 event time":    Array("t", append(Raw{0xc7, 0x08}, EventTime(sent, 5)[1:]...), Map("log", "a")),
	"message with a float time":       Array("t", sent+.5, Map("log", "a"), Map("chunk", "c1")),
	"message with time nil":           Array("t", nil, Map("log", "a"), Map("chunk", "c1")),
	"message with time 0":             Array("t", 0, Map("log", "a"), Map("chunk", "c1")),
	"message with msgpack timestamps": Values(Array("t", Raw{0xd6, 0xff, 0x6b, 0x09, 0x4e, 0x60}, Map("log", "32")), Array("t", Raw{0xd7, 0xff, 0, 0, 0, 4, 0x6b, 0x09, 0x4e, 0x60}, Map("log", "64")), Array("t", Ext(-1, 0, 0, 0, 7, 0, 0, 0, 0, 0x6b, 0x09, 0x4e, 0x60), Map("log", "96"))),
	"message without options":         Array("t", sent, Map("log", "a")),
	"options nil":                     Array("t", sent, Map("log", "a"), nil),
	"forward":                         Array("t", Array(entryOf(Map("log", "a")), Array(sent, Map("log", "b"))), Map("chunk", "c1")),
	"forward without entries":         Array("t", Array(), Map("chunk", "c1")),
	"forward with a fourth element":   Array("t", Array(Array(sent, Map("log", "a"))), Map("chunk", "c1"), 1),
	"entry with a third element":      Array("t", Array(Array(sent, Map("log", "a"), "more"), entryOf(Map("log", "b")))),
	"forward with metadata":           Array("t", Array(Array(Array(EventTime(sent, 1), Map("k", "v", "n", Map("x", 1))), Map("log", "a"))), Map("chunk", "c1")),
	"forward with empty metadata":     Array("t", Array(Array(Array(EventTime(sent, 1), Map()), Map("log", "a")))),
	"packed with metadata":            Array("t", []byte(Array(Array(EventTime(sent, 1), Map()), Map("log", "a"))), Map("chunk", "c1")),
	"packed bin":                      Array("t", []byte(Values(entryOf(Map("log", "a")), entryOf(Map("log", "b")))), Map("chunk", "c1", "size", 2)),
	"packed str":                      Array("t", string(entryOf(Map("log", "a"))), Map("chunk", "c1")),
	"packed empty":                    Array("t", []byte{}, Map("chunk", "c1")),
	"gzip":                            Array("t", Gzip(entryOf(Map("log", "a"))), Map("chunk", "c1", "compressed", "gzip")),
	"gzip of two members":             Array("t", append(Gzip(entryOf(Map("log", "a"))), Gzip(entryOf(Map("log", "b")))...), Map("compressed", "gzip")),
	"compressed text":                 Array("t", []byte(entryOf(Map("log", "a"))), Map("compressed", "text")),
	"zstd":                            Array("t", Zstd(entryOf(Map("log", "a"))), Map("chunk", "c1", "compressed", "zstd")),
	"zstd of two frames":              Array("t", string(append(Zstd(entryOf(Map("log", "a"))), Zstd(entryOf(Map("log", "b")))...)), Map("compressed", "zstd")),
	"zstd of a streaming encoder":     Array("t", ZstdStream(entryOf(Map("log", "a"))), Map("compressed", "zstd")),
	"log and message":                 Array("t", sent, Map("log", "LOG", "message", "MSG")),
	"message and log":                 Array("t", sent, Map("message", "MSG", "log", "LOG", "msg", "third")),
	"empty log and message":           Array("t", sent, Map("log", "", "message", "MSG")),
	"invalid utf-8":                   Array("t", sent, Map("log", "a\xff\xfe", "caf\xe9", "v")),
	"bin everywhere":                  Array([]byte("t"), sent, Map([]byte("k"), []byte("v"), []byte("log"), []byte("a")), Map([]byte("chunk"), []byte{1, 2})),
	"keys that are no text":           Array("t", sent, Map(5, "v", -1, "w", nil, "x", true, "y", 1.5, "f", Array(1, "a"), "z", "log", "a")),
	"numbers":                         Array("t", sent, Map("log", "a", "u", uint64(18446744073709551615), "i", -9223372036854775808, "f", 1e300, "f32", Raw{0xca, 0x3f, 0, 0, 0})),
	"nested values":                   Array("t", sent, Map("log", "a", "m", Map("x", Map("y", 1)), "l", Array(1, "a", nil, Map("z", 1), Array()))),
	"extension in a record":           Array("t", sent, Map("log", "a", "e", Ext(5, 'x', 'x'))),
	"nil between messages":            Values(nil, Array("t", sent, Map("log", "a"))),
	"array16 around the message":      append(Raw{0xdc, 0, 3}, Values("t", sent, Map("log", "a"))...),
	"headers longer than needed":      append(Raw{0xdd, 0, 0, 0, 2, 0xdb, 0, 0, 0, 1, 't', 0xdd, 0, 0, 0, 1, 0xdd, 0, 0, 0, 2}, Values(EventTime(sent, 0), Raw{0xdf, 0, 0, 0, 1}, "log", "a")...),
	"empty tag":                       Array("", sent, Map("log", "a")),
	"duplicate keys":                  Array("t", sent, Map("k", "v", "k", "w", "log", "a", "log", "b", "m", Map("x", 1, "x", 2))),
	"fluent.tag in the record":        Array("t", sent, Map("log", "a", "fluent.tag", "theirs")),
	"log that is a map":               Array("t", sent, Map("log", Map("event", "x", "n", 1))),
	"record without a line":           Array("t", sent, Map("a", 1)),
	"line ends":                       Array("t", Array(Array(sent, Map("log", "a\n")), Array(sent, Map("log", "b\r\n")), Array(sent, Map("log", "c\n\n")), Array(sent, Map("log", "\n")))),
	"docker":                          Array("docker.0123456789ab", sent, Map("container_id", strings.Repeat("ab", 32), "container_name", "/shop", "source", "stdout", "log", "line"), nil),
	"kubernetes, one pod":             Array("kube", Array(entryOf(podRecord("a", "1")), entryOf(podRecord("a", "2")), entryOf(podRecord("a", "3")))),
	"kubernetes twice in a record":    Array("kube", Array(entryOf(podRecord("a", "1")), entryOf(Map("kubernetes", Map("pod_name", "a", "labels", Map("app", "shop")), "kubernetes", Map("pod_name", "b"), "log", "2")))),
	"kubernetes pods interleaved":     Array("kube", Array(entryOf(podRecord("a", "1")), entryOf(podRecord("b", "2")), entryOf(podRecord("a", "3")))),
	"otlp metadata": Array("t", Array(Array(Array(EventTime(0, 0), Map("otlp", Map("observed_timestamp", sent*1000000000+2, "severity_number", 17, "severity_text", "ERROR",
		"attributes", Map("order", 41, "log.kind", "x"), "trace_id", []byte("0123456789abcdef"), "span_id", "3031323334353637"))), Map("log", "a", "log.kind", "own")))),
}

func podRecord(pod, line string) Raw {
	return Map("stream", "stderr", "log", line, "kubernetes", Map("pod_name", pod, "labels", Map("app", "shop")))
}

func fileName(form string) string { return strings.NewReplacer(" ", "-", ".", "_").Replace(form) }

func TestEveryValidFormIsDecoded(t *testing.T) {
	for name, in := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := New(allSources)
			// Twice: the decoder is used again.
			decodeAll(t, d, in, unlimited)
			out, _, _ := decodeAll(t, d, in, unlimited)
			goldentest.EqualLogs(t, filepath.Join("testdata", "forms", fileName(name)+".yaml"), out)
		})
	}
}

func TestWhatASenderWantsEchoedKeepsItsType(t *testing.T) {
	for want, in := range map[string]Raw{
		"\xa2c1":     Array("t", sent, Map(), Map("chunk", "c1")),
		"\xc4\x02c1": Array("t", sent, Map(), Map("chunk", []byte("c1"))),
		"\x07":       Array("t", sent, Map(), Map("chunk", 7)),
		"":           Array("t", sent, Map(), Map("chunk", nil)),
	} {
		_, _, headers := decodeAll(t, New(0), in, unlimited)
		require.Equal(t, want, string(headers[0].Chunk))
	}
}

// Small inputs that a receiver before this one refused, dropped or passed on broken.
func TestInputsThatOnceWentWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.msgpack")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".msgpack")
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(file)
			require.NoError(t, err)
			out, sum, _ := decodeAll(t, New(allSources), in, unlimited)
			want := map[string][unreadables]int{"batch-in-batch": {Nested: 2}, "metrics-in-a-record": {Signal: 1}}[name]
			require.Equal(t, want, sum.Unreadable)
			goldentest.EqualLogs(t, filepath.Join("testdata", "cases", name+".yaml"), out)
		})
	}
}

// What is odd in a message costs the odd thing, and nothing beside it.
func TestTheUnreadableIsCountedAndTheRestTaken(t *testing.T) {
	good := entryOf(Map("log", "good"))
	whole := []byte(Values(good, good))
	for name, tc := range map[string]struct {
		in      Raw
		records int
		what    Unreadable
		count   int
	}{
		"record nil":               {Array("t", sent, nil, Map("chunk", "c")), 0, Record, 1},
		"one record nil":           {Array("t", Array(Array(sent, nil), good)), 1, Record, 1},
		"entry of one":             {Array("t", Array(Array(sent), good)), 1, Record, 1},
		"entry that is no array":   {Array("t", Array(7, good)), 1, Record, 1},
		"empty time pair":          {Array("t", Array(Array(Array(), Map()), good)), 1, Record, 1},
		"time is a text":           {Array("t", Array(Array("now", Map("log", "a")), good)), 2, Time, 1},
		"time is negative":         {Array("t", Array(Array(-5, Map("log", "a")), good)), 2, Time, 1},
		"time is not a number":     {Array("t", Array(Array(Raw{0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, Map("log", "a")))), 1, Time, 1},
		"batch in a batch":         {Array("t", Array(good, Array("t", Array(good)))), 1, Nested, 1},
		"packed, cut":              {Array("t", whole[:len(whole)-2]), 1, Entries, 1},
		"packed, garbage behind":   {Array("t", append(bytes.Clone(whole), 0xc1)), 2, Entries, 1},
		"gzip, cut":                {Array("t", Gzip(whole)[:len(Gzip(whole))-9], Map("compressed", "gzip")), 2, Entries, 1},
		"gzip, nothing but magic":  {Array("t", []byte{0x1f, 0x8b}, Map("compressed", "gzip")), 0, Entries, 1},
		"gzip that is none":        {Array("t", []byte("no gzip"), Map("compressed", "gzip")), 0, Record, 7},
		"gzip, entry cut":          {Array("t", Gzip(whole[:len(whole)-2])), 1, Entries, 1},
		"gzip, garbage in between": {Array("t", Gzip(append(bytes.Clone(whole), 0xc1, 0x90))), 2, Entries, 1},
		"metrics":                  {Array("t", []byte{0, 1, 2}, Map("chunk", "c", "fluent_signal", 1)), 0, Signal, 1},
		"traces":                   {Array("t", []byte{0, 1, 2}, Map("fluent_signal", 2)), 0, Signal, 1},
		"metrics in a record":      {Array("m", sent, Map("metrics", []byte{0, 1, 2})), 0, Signal, 1},
	} {
		t.Run(name, func(t *testing.T) {
			out, sum, _ := decodeAll(t, New(allSources), tc.in, unlimited)
			require.Equal(t, tc.records, out.LogRecordCount())
			require.Equal(t, tc.records, sum.Records)
			var want [unreadables]int
			want[tc.what] = tc.count
			require.Equal(t, want, sum.Unreadable)
		})
	}
}

func TestAMessageThatIsNoneIsRefused(t *testing.T) {
	for name, in := range map[string]Raw{
		"integer":               {0x07},
		"map":                   Map("a", 1),
		"empty array":           Array(),
		"only a tag":            Array("t"),
		"tag that is no string": Array(1, sent, Map()),
		"tag nil":               Array(nil, sent, Map()),
		"no record":             Array("t", sent),
		"tag too long":          Array(strings.Repeat("t", MaxTag+1), sent, Map()),
		"chunk id too long":     Array("t", sent, Map(), Map("chunk", strings.Repeat("c", MaxChunk))),
	} {
		t.Run(name, func(t *testing.T) {
			var s msgpack.Scanner
			_, done, err := s.Feed(in)
			require.NoError(t, err)
			require.True(t, done)
			_, err = ParseHeader(in, s.Elements[:])
			require.Error(t, err)
		})
	}
}

// The bytes of real senders, see testdata/captures/README.md.
func TestWhatRealSendersWriteIsDecoded(t *testing.T) {
	files, err := filepath.Glob("testdata/captures/*.c2s")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".c2s")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := os.ReadFile(file)
			require.NoError(t, err)
			out, sum, _ := decodeAll(t, New(allSources), in, unlimited)
			if strings.Contains(name, "metrics") || strings.Contains(name, "traces") {
				require.Equal(t, [unreadables]int{Signal: 1}, sum.Unreadable)
			} else {
				require.Zero(t, sum.Unreadable)
			}
			goldentest.EqualLogs(t, filepath.Join("testdata", "captures", name+".yaml"), out)
		})
	}
}
