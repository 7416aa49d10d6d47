package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v10"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// decodeBounded decodes with a new decoder and fails the test when that allocates more than 1 MiB + 128 bytes for each of input.
func decodeBounded(t testing.TB, format Format, body []byte, maxSpans int) (ptrace.Traces, Stats, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	td, stats, err := New(Options{MaxSpans: maxSpans}).Decode(format, body, Headers{})
	runtime.ReadMemStats(&after)
	if raceEnabled {
		return td, stats, err
	}
	got, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+128*len(body))
	if got > limit {
		t.Errorf("%d bytes allocated %d, at most %d are allowed: %.0f per byte", len(body), got, limit, float64(got-1<<20)/float64(len(body)))
	}
	return td, stats, err
}

// crashers are inputs that kill or bloat datadog-agent's decoders.
var crashers = map[string]struct {
	format Format
	body   []byte
}{
	"v0.4 array of 2^31":            {V04, []byte{0xdd, 0x7f, 0xff, 0xff, 0xff}},
	"v0.4 meta of 2^31":             {V04, append([]byte{0x91, 0x91, 0x81, 0xa4, 'm', 'e', 't', 'a'}, 0xdf, 0x7f, 0xff, 0xff, 0xff)},
	"v0.5 dictionary of 25 million": {V05, []byte{0x92, 0xdd, 0x01, 0x7d, 0x78, 0x40}},
	"v1.0 nested lists":             {V10, nestedLists(2 << 20)},
	"v1.0 nested lists, skipped":    {V10, append([]byte{0x81, 0x63}, bytes.Repeat([]byte{0x91}, 2<<20)...)},
	"v1.0 unknown fields":           {V10, []byte{0x81, 0x0b, 0x91, 0x82, 0x63, 0xa1, 'x', 0x04, 0x90}},
	"nil span":                      {V04, []byte{0x91, 0x92, 0xc0, 0xc0}},
	"agent group":                   {AgentPayload, bytes.Repeat([]byte{0x0b}, 1<<20)},
	"JSON nested":                   {V04, bytes.Repeat([]byte{'['}, 1<<20)},
}

func nestedLists(n int) []byte {
	body := []byte{0x81, 0x0a, 0x93, 0xa1, 'k'}
	for len(body) < n {
		body = append(body, 0x06, 0x92)
	}
	return body
}

func TestCrashersAreHarmless(t *testing.T) {
	for name, c := range crashers {
		t.Run(name, func(t *testing.T) {
			td, _, err := decodeBounded(t, c.format, c.body, 100_000)
			if err == nil {
				require.Zero(t, td.SpanCount())
			}
		})
	}
}

func TestDeclaredLengthsAloneAllocateNothing(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	for _, c := range []struct {
		format Format
		body   []byte
	}{
		{V04, append([]byte{0xdd}, huge...)},
		{V04, append([]byte{0x91, 0xdd}, huge...)},
		{V04, append([]byte{0x91, 0x91, 0x81, 0xdb}, huge...)},
		{V05, append([]byte{0x92, 0xdd}, huge...)},
		{V07, append([]byte{0xdf}, huge...)},
		{V10, append([]byte{0x81, 0x01, 0xdd}, huge...)},
		{V10, append([]byte{0x81, 0x0a, 0xdd}, huge...)},
	} {
		d := New(Options{MaxSpans: 10})
		var err error
		allocs := testing.AllocsPerRun(10, func() { _, _, err = d.Decode(c.format, c.body, Headers{}) })
		require.ErrorIs(t, err, msgpack.ErrShort)
		require.Less(t, allocs, 10.0, "an empty ptrace.Traces and nothing else")
	}
}

// Each input is the densest way found to make the decoder allocate in one respect.
func TestMemoryStaysInProportion(t *testing.T) {
	n := 1 << 20
	if raceEnabled {
		n = 1 << 14 // memory is not measured then
	}
	for name, c := range map[string]struct {
		format Format
		body   []byte
	}{
		"v0.4 spans with ids only":     {V04, repeatArray(n, msgp.AppendUint8(msgp.AppendString(msgp.AppendUint8(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "span_id"), 1), "trace_id"), 1), true)},
		"v0.4 short tags":              {V04, oneSpan(manyTags(n))},
		"v0.4 empty chunks":            {V04, repeatArray(n, []byte{0x90}, false)},
		"v0.4 events":                  {V04, oneSpanWith("span_events", repeatArray(n, []byte("\x81\xa4name\xa1x"), false))},
		"v0.4 empty events":            {V04, oneSpanWith("span_events", repeatArray(n, []byte{0x80}, false))},
		"v0.4 links without ids":       {V04, oneSpanWith("span_links", repeatArray(n, []byte{0x81, 0xa0, 0xc0}, false))},
		"v0.4 nested event attributes": {V04, oneSpanWith("span_events", append([]byte("\x91\x82\xa4name\xa1x\xaaattributes\x81\xa1a"), repeatArray(n, []byte{0x91, 0x91, 0x90}, false)...))},
		"v0.4 links as JSON":           {V04, oneSpanWith("meta", tag("_dd.span_links", "["+strings.Repeat(`{"":1},`, n/7)+"1]"))},
		"v0.4 events as JSON":          {V04, oneSpanWith("meta", tag("events", `[{"name":"x","attributes":{"a":[`+strings.Repeat("[],", n/3)+`1]}}]`))},
		"v0.5 minimal spans":           {V05, minimalV05(n)},
		"v0.5 shared JSON":             {V05, sharedV05(n, "_dd.span_links", `[`+strings.Repeat(`{"trace_id":1,"span_id":1},`, 1000)+`1]`)},
		"v0.5 shared name":             {V05, sharedV05(n, "http.method", strings.Repeat("x", 100_000))},
		"v0.5 renamed tags":            {V05, sharedV05(n, "out.host", "h")},
		"v1.0 minimal spans":           {V10, append([]byte{0x81, 0x0b, 0x91, 0x82, 0x06, 0xc4, 1, 9, 0x04}, repeatArray(n, []byte{0x81, 0x04, 0x01}, false)...)},
		"v1.0 dropped spans":           {V10, append([]byte{0x81, 0x0b, 0x91, 0x84, 0x01, 0xff, 0x07, 0x04, 0x06, 0xc4, 1, 9, 0x04}, repeatArray(n, []byte{0x81, 0x04, 0x01}, false)...)},
		"v1.0 dropped spans, named":    {V10, append([]byte{0x81, 0x0b, 0x91, 0x85, 0x01, 0xff, 0x07, 0x04, 0x06, 0xc4, 1, 9, 0x02, 0xa1, 'x', 0x04}, repeatArray(n, []byte{0x82, 0x04, 0x01, 0x02, 0x01}, false)...)},
		"v1.0 orphans":                 {V10, append([]byte{0x81, 0x0b}, repeatArray(n, []byte{0x81, 0x04, 0x91, 0x81, 0x04, 0x01}, false)...)},
		"v1.0 lists":                   {V10, append([]byte{0x81, 0x0b, 0x91, 0x82, 0x06, 0xc4, 1, 9, 0x04, 0x91, 0x82, 0x04, 0x01, 0x09, 0x93, 0xa1, 'k', 0x06}, repeatPairs(n, []byte{0x06, 0x90})...)},
		"v1.0 list attributes":         {V10, append([]byte{0x81, 0x0b, 0x91, 0x82, 0x06, 0xc4, 1, 9, 0x04, 0x91, 0x82, 0x04, 0x01, 0x09}, listAttributes(n)...)},
		"agent empty payloads":         {AgentPayload, bytes.Repeat([]byte{0x2a, 0x00}, n/2)},
		"agent minimal spans":          {AgentPayload, protoSpans(n)},
		"agent idx values":             {AgentPayload, nestedProto(n)},
		"JSON numbers":                 {V04, []byte("[[" + strings.Repeat("1,", n/2) + "1]]")},
		"JSON arrays":                  {V04, []byte("[" + strings.Repeat("[],", n/3) + "[]]")},
	} {
		t.Run(name, func(t *testing.T) {
			_, stats, err := decodeBounded(t, c.format, c.body, 10<<20)
			t.Log(stats, err)
		})
	}
}

func TestTooManyResourcesAreRefused(t *testing.T) {
	var chunks []byte
	for i := range sink.MaxResources + 1 {
		chunks = append(chunks, spanMap("service", msgp.AppendString(nil, string(rune('a'+i))))...)
	}
	body := append(binary.BigEndian.AppendUint16([]byte{0x91, 0xdc}, sink.MaxResources+1), chunks...)
	_, _, err := decodeBounded(t, V04, body, 100_000)
	require.ErrorIs(t, err, ErrTooManyResources)
}

func array32(n int) []byte { return binary.BigEndian.AppendUint32([]byte{0xdd}, uint32(n)) }

// repeatArray is an array of element as often as fits in n bytes, inside another array if it is for a payload.
func repeatArray(n int, element []byte, nested bool) []byte {
	count := n / len(element)
	body := append(array32(count), bytes.Repeat(element, count)...)
	if nested {
		return append([]byte{0x91}, body...)
	}
	return body
}

func repeatPairs(n int, pair []byte) []byte {
	count := n / len(pair)
	return append(array32(2*count), bytes.Repeat(pair, count)...)
}

func spanMap(field string, value []byte) []byte {
	b := msgp.AppendMapHeader(nil, 3)
	b = msgp.AppendUint8(msgp.AppendString(b, "trace_id"), 1)
	b = msgp.AppendUint8(msgp.AppendString(b, "span_id"), 1)
	return append(msgp.AppendString(b, field), value...)
}

func oneSpanWith(field string, value []byte) []byte {
	return append([]byte{0x91, 0x91}, spanMap(field, value)...)
}

func oneSpan(meta []byte) []byte { return oneSpanWith("meta", meta) }

func tag(key, value string) []byte {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), key), value)
}

func manyTags(n int) []byte {
	var entries []byte
	count := 0
	for ; len(entries) < n; count++ {
		entries = msgp.AppendString(entries, string([]byte{'a' + byte(count%26), 'a' + byte(count/26%26), 'a' + byte(count/676%26), 'a' + byte(count/17576%26)}))
		entries = msgp.AppendString(entries, "")
	}
	return append(msgp.AppendMapHeader(nil, uint32(count)), entries...)
}

func minimalV05(n int) []byte {
	span := []byte{0x9c, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0x80, 0x80, 0}
	body := append([]byte{0x92, 0x91, 0xa1, 'x', 0x91}, array32(n/len(span))...)
	return append(body, bytes.Repeat(span, n/len(span))...)
}

// sharedV05 refers to one value from every span.
func sharedV05(n int, key, value string) []byte {
	body := []byte{0x92, 0x93}
	body = msgp.AppendString(body, "")
	body = msgp.AppendString(body, key)
	body = msgp.AppendString(body, value)
	span := []byte{0x9c, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0x81, 1, 2, 0x80, 0}
	body = append(append(body, 0x91), array32(n/len(span))...)
	return append(body, bytes.Repeat(span, n/len(span))...)
}

func listAttributes(n int) []byte {
	var entries []byte
	count := 0
	for ; len(entries) < n; count++ {
		entries = msgp.AppendString(entries, string([]byte{'a' + byte(count%26), 'a' + byte(count/26%26), 'a' + byte(count/676%26)}))
		entries = append(entries, 0x06, 0x90)
	}
	return append(array32(3*count), entries...)
}

// delimited is a protobuf field of bytes.
func delimited(number byte, value []byte) []byte {
	return append(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(value))), value...)
}

func protoSpans(n int) []byte {
	span := delimited(3, []byte{0x20, 1, 0x28, 1})
	return delimited(5, delimited(6, bytes.Repeat(span, n/len(span))))
}

func nestedProto(n int) []byte {
	value := delimited(v10.TypeList, bytes.Repeat(delimited(1, []byte{v10.TypeList<<3 | 2, 0}), n/4))
	attribute := append([]byte{0x08, 0}, delimited(2, value)...)
	span := append([]byte{0x21, 1, 0, 0, 0, 0, 0, 0, 0}, delimited(v10.SpanAttributes, attribute)...)
	chunk := append(delimited(v10.ChunkTraceID, []byte{1}), delimited(v10.ChunkSpans, span)...)
	return delimited(11, append(delimited(1, []byte("k")), delimited(v10.PayloadChunks, chunk)...))
}

// fuzz decodes whatever comes, twice: nothing panics or allocates out of proportion, and a decoder that was used before gives what
// a new one gives.
func fuzz(f *testing.F, format Format, seeds ...[]byte) {
	for _, c := range crashers {
		if c.format == format && len(c.body) < 1<<16 {
			f.Add(c.body)
		}
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	used := New(Options{MaxSpans: 1000})
	f.Fuzz(func(t *testing.T, body []byte) {
		a, statsA, errA := decodeBounded(t, format, body, 1000)
		b, statsB, errB := used.Decode(format, body, Headers{})
		if (errA == nil) != (errB == nil) || (errA == nil && statsA != statsB) {
			t.Fatalf("a used decoder says %v %v, a new one %v %v", errB, statsB, errA, statsA)
		}
		if errA != nil {
			return
		}
		if a.SpanCount() != statsA.Spans {
			t.Fatalf("%d spans in the result, %d counted", a.SpanCount(), statsA.Spans)
		}
		marshaler := new(ptrace.ProtoMarshaler)
		bytesA, errA := marshaler.MarshalTraces(a)
		bytesB, errB := marshaler.MarshalTraces(b)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(withoutTimes(t, bytesA), withoutTimes(t, bytesB)) {
			t.Fatal("a used decoder gives something else than a new one")
		}
	})
}

// withoutTimes takes away what depends on the clock: a start before 2000 is replaced.
func withoutTimes(t *testing.T, b []byte) []byte {
	td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(b)
	require.NoError(t, err)
	for _, rs := range td.ResourceSpans().All() {
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			span.SetStartTimestamp(0)
			span.SetEndTimestamp(0)
			for _, e := range span.Events().All() {
				e.SetTimestamp(0)
			}
		}
	}
	out, err := new(ptrace.ProtoMarshaler).MarshalTraces(td)
	require.NoError(t, err)
	return out
}

func seedFile(f *testing.F, name string) []byte {
	f.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(f, err)
	return b
}

func FuzzV04(f *testing.F) {
	fuzz(f, V04, seedFile(f, "js-v0.4.bin"), seedFile(f, "go-v0.4.bin"), []byte(`[[{"trace_id":1,"span_id":2,"meta":{"a":"b"}}]]`))
}

func FuzzV05(f *testing.F) { fuzz(f, V05, seedFile(f, "js-v0.5.bin")) }

func FuzzV07(f *testing.F) {
	body, err := tracerPayload(jsTraces(f)[:1]).MarshalMsg(nil)
	require.NoError(f, err)
	fuzz(f, V07, body)
}

func FuzzV10(f *testing.F) { fuzz(f, V10, seedFile(f, "go-v1.0.bin")) }

func FuzzAgentPayload(f *testing.F) {
	fuzz(f, AgentPayload, protoSpans(64), nestedProto(64))
}
