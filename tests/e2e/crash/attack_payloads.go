package crash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/tinylib/msgp/msgp"
)

// wireField writes a length-delimited field of protobuf.
func wireField(num int, b []byte) []byte {
	o := binary.AppendUvarint(nil, uint64(num)<<3|2)
	o = binary.AppendUvarint(o, uint64(len(b)))
	return append(o, b...)
}

// wireWithin puts b into the fields of path, the outermost first.
func wireWithin(b []byte, path ...int) []byte {
	for i := len(path) - 1; i >= 0; i-- {
		b = wireField(path[i], b)
	}
	return b
}

const eightMB = 8_000_000

// emptyOTLP are OTLP requests of 8 MB of the smallest things a request can have many of: what is two bytes becomes up to 400.
func emptyOTLP() map[string]struct {
	signal string
	body   []byte
} {
	many := func(b ...byte) []byte { return bytes.Repeat(b, eightMB/len(b)) }
	type request = struct {
		signal string
		body   []byte
	}
	return map[string]request{
		"ResourceSpans":      {"traces", many(0x0a, 0)},
		"ScopeSpans":         {"traces", wireWithin(many(0x12, 0), 1)},
		"spans":              {"traces", wireWithin(many(0x12, 0), 1, 2)},
		"spans of 2021":      {"traces", wireWithin(many(0x12, 0), 1, 1000)},
		"events":             {"traces", wireWithin(many(0x5a, 0), 1, 2, 2)},
		"links":              {"traces", wireWithin(many(0x6a, 0), 1, 2, 2)},
		"attributes":         {"traces", wireWithin(many(0x4a, 0), 1, 2, 2)},
		"log records":        {"logs", wireWithin(many(0x12, 0), 1, 2)},
		"array elements":     {"logs", wireWithin(many(0x0a, 0), 1, 2, 2, 5, 5)},
		"metrics":            {"metrics", wireWithin(many(0x12, 0), 1, 2)},
		"points":             {"metrics", wireWithin(many(0x0a, 0), 1, 2, 2, 5)},
		"histogram points":   {"metrics", wireWithin(many(0x0a, 0), 1, 2, 2, 9)},
		"exponential points": {"metrics", wireWithin(many(0x0a, 0), 1, 2, 2, 10)},
		"exemplars":          {"metrics", wireWithin(many(0x2a, 0), 1, 2, 2, 5, 1)},
		"bucket counts":      {"metrics", wireWithin(many(1), 1, 2, 2, 10, 1, 8, 2)},
	}
}

// nestedOTLP is a log record whose body is maps in one another.
func nestedOTLP(depth int) []byte {
	var b []byte
	for range depth {
		b = wireWithin(b, 6, 1, 2)
	}
	return wireWithin(b, 1, 2, 2, 5)
}

// compressAs compresses b.
func compressAs(encoding string, b []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "":
		return b
	case "gzip":
		w, _ = gzip.NewWriterLevel(&out, 1)
	case "deflate":
		w, _ = zlib.NewWriterLevel(&out, 1)
	case "zstd":
		w, _ = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest))
	case "snappy":
		return snappy.Encode(nil, b)
	case "x-snappy-framed":
		w = snappy.NewBufferedWriter(&out)
	case "lz4":
		w = lz4.NewWriter(&out)
	default:
		panic(encoding)
	}
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// zeros compresses n MiB of zeros.
func zeros(encoding string, n int) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	default:
		panic(encoding)
	}
	block := make([]byte, 1<<20)
	for range n {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	return out.Bytes()
}

// zstdWindow is a zstd frame of n zeros that asks for 2^log bytes of window.
func zstdWindow(log, n int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, byte(log-10) << 3}
	for n > 0 {
		size := min(n, 128<<10)
		n -= size
		head := size<<3 | 1<<1
		if n == 0 {
			head |= 1
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return b
}

// datadogBomb is a payload that becomes much more than it is.
type datadogBomb struct {
	name, path string
	body       func() []byte
}

func datadogBombs() []datadogBomb {
	return []datadogBomb{
		{"99 000 spans of two fields", "/v0.4/traces", func() []byte {
			b := datadogTrace(99_000)
			for range 99_000 {
				b = datadogSpan(b, 0)
			}
			return b
		}},
		{"65 000 tags on each of 12 spans", "/v0.4/traces", func() []byte { return datadogTags(12, 65_000) }},
		{"3 million tags on one span", "/v0.4/traces", func() []byte { return datadogTags(1, 3_000_000) }},
		{"99 000 spans of JSON", "/v0.3/traces", func() []byte {
			return []byte("[[" + strings.TrimSuffix(strings.Repeat(`{"span_id":1,"trace_id":1},`, 99_000), ",") + "]]")
		}},
		{"90 000 groups of statistics", "/v0.6/stats", func() []byte { return datadogStats(90_000) }},
	}
}

// datadogTrace begins a payload of one trace.
func datadogTrace(spans uint32) []byte {
	return msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), spans)
}

// datadogSpan begins a span with its ids and some fields more.
func datadogSpan(b []byte, fields uint32) []byte {
	b = msgp.AppendMapHeader(b, fields+2)
	b = msgp.AppendUint64(msgp.AppendString(b, "span_id"), 1)
	return msgp.AppendUint64(msgp.AppendString(b, "trace_id"), 1)
}

func datadogTags(spans, tags uint32) []byte {
	b := datadogTrace(spans)
	for i := range spans {
		b = msgp.AppendMapHeader(msgp.AppendString(datadogSpan(b, 1), "meta"), tags)
		for j := range tags {
			b = msgp.AppendString(msgp.AppendString(b, fmt.Sprintf("%d.%x", i, j)), "")
		}
	}
	return b
}

func datadogStats(groups uint32) []byte {
	b := msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Stats"), 1)
	b = msgp.AppendUint64(msgp.AppendString(msgp.AppendMapHeader(b, 3), "Start"), 1)
	b = msgp.AppendUint64(msgp.AppendString(b, "Duration"), 10e9)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "Stats"), groups)
	for i := range groups {
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(msgp.AppendString(b, "Name"), fmt.Sprintf("%x", i))
		b = msgp.AppendUint64(msgp.AppendString(b, "Hits"), 1)
	}
	return b
}

// rumEvents is n MB of small events.
func rumEvents(n int) []byte {
	line := `{"type":"long_task","date":1795168790000,"application":{"id":"a0000000-0000-4000-8000-000000000001"},"session":{"id":"5e000000-0000-4000-8000-00000000%04x"},"view":{"id":"v%d"},"long_task":{"id":"%d","duration":1}}` + "\n"
	var b bytes.Buffer
	for i := 0; b.Len() < n*1_000_000; i++ {
		fmt.Fprintf(&b, line, i%65536, i, i)
	}
	return b.Bytes()
}
