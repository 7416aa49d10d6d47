package decode

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// decodeOdd reads a payload as some tracer has sent it once.
func decodeOdd(t *testing.T, file string, format Format, o Options) (ptrace.Traces, Stats, error) {
	t.Helper()
	body, err := os.ReadFile("testdata/odd/" + file)
	require.NoError(t, err)
	o.MaxSpans = 10
	return New(o).Decode(format, body, Headers{})
}

func onlySpan(t *testing.T, td ptrace.Traces) ptrace.Span {
	t.Helper()
	require.Equal(t, 1, td.SpanCount())
	return td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
}

// dd-trace-java 1.34 wrote the ids of links in hexadecimal without leading zeros.
func TestIDsOfLinksWithoutLeadingZerosAreRead(t *testing.T) {
	t.Parallel()
	td, stats, err := decodeOdd(t, "links-unpadded.v04.bin", V04, Options{})
	require.NoError(t, err)
	span := onlySpan(t, td)
	require.Zero(t, stats.BadLinks)
	require.Equal(t, 2, span.Links().Len())
	require.Equal(t, "667c30c100000000b0220a2a4be1c4c4", span.Links().At(0).TraceID().String())
	require.Equal(t, "0b1c2d3e4f506172", span.Links().At(0).SpanID().String())
	require.Equal(t, "0000000000000007", span.Links().At(1).SpanID().String())
	require.NotContains(t, span.Attributes().AsRaw(), "_dd.span_links")
}

func TestALinkThatCanNotBeReadKeepsTheText(t *testing.T) {
	t.Parallel()
	text := `[{"trace_id":"9","span_id":"a"},{"trace_id":"9","span_id":"no id"}]`
	spans, _, stats := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{"_dd.span_links":"`+escape(text)+`"}}]]`)
	require.Equal(t, 1, stats.BadLinks)
	require.Equal(t, 1, spans[2].Links().Len())
	require.Equal(t, "000000000000000a", spans[2].Links().At(0).SpanID().String())
	require.Equal(t, text, spans[2].Attributes().AsRaw()["_dd.span_links"])
}

func TestANumberInMetaIsAText(t *testing.T) {
	t.Parallel()
	td, stats, err := decodeOdd(t, "integer-in-meta.v04.bin", V04, Options{Mode: Lossless})
	require.NoError(t, err)
	require.Equal(t, 2, td.SpanCount())
	require.Zero(t, stats.Dropped)
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	require.Equal(t, "200", span.Attributes().AsRaw()["http.status_code"])

	m := msg{}.a(1).a(1).m(3).s("trace_id").u(1).s("span_id").u(2).s("meta").m(4).s("i").i(-7).s("u").u(1 << 63).s("f").f64(1.5).s("b").b(true)
	td, _, err = New(Options{Mode: Lossless, MaxSpans: 1}).Decode(V04, m, Headers{})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"i": "-7", "u": "9223372036854775808", "f": "1.5", "b": "true"}, onlySpan(t, td).Attributes().AsRaw())

	spans, _, _ := decodeJSON(t, Lossless, `[[{"trace_id":1,"span_id":2,"meta":{"i":-7,"f":1.5,"b":true}}]]`)
	require.Equal(t, map[string]any{"i": "-7", "f": "1.5", "b": "true"}, spans[2].Attributes().AsRaw())
}

// Whoever sends something of which nothing can be kept should learn it.
func TestAPayloadOfWhichNothingCanBeKeptIsAnError(t *testing.T) {
	t.Parallel()
	outside := msg{}.a(2).a(1).s("").a(1).a(1).a(12).u(9).u(0).u(0).u(1).u(2).u(0).u(0).u(0).u(0).m(0).m(0).u(0)
	for name, tc := range map[string]struct {
		format Format
		body   []byte
		file   string
		want   string
	}{
		"13 elements":            {format: V05, file: "13-elements.v05.bin", want: "nothing of 1 spans can be kept: a span has 13 elements, not 12"},
		"a map for a list":       {format: V04, file: "map-for-chunk.v04.bin", want: "nothing of 1 spans can be kept: a chunk is no list of spans"},
		"outside the dictionary": {format: V05, body: outside, want: "nothing of 1 spans can be kept: element 0 of a span has an unexpected type or is no place in the dictionary of 1 strings"},
		"no ids":                 {format: V04, body: []byte(`[[{"trace_id":1},{"span_id":2}]]`), want: "nothing of 2 spans can be kept: a span has no span id"},
		"a field of another type": {format: V04, body: []byte(`[[{"trace_id":1,"span_id":2,"start":"now"}]]`),
			want: "nothing of 1 spans can be kept: field start has a value of an unexpected type"},
		"v1.0 without a trace id": {format: V10, body: []byte{0x81, 0x0b, 0x91, 0x81, 0x04, 0x91, 0x81, 0x04, 0x01}, want: "nothing of 1 spans can be kept: a chunk has no trace id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.file != "" {
				_, _, err := decodeOdd(t, tc.file, tc.format, Options{})
				require.EqualError(t, err, tc.want)
				return
			}
			_, stats, err := New(Options{MaxSpans: 10}).Decode(tc.format, tc.body, Headers{})
			require.EqualError(t, err, tc.want)
			require.Zero(t, stats.Spans)
		})
	}
	for _, body := range []string{`[]`, `[[],[]]`} {
		_, _, err := New(Options{MaxSpans: 10}).Decode(V04, []byte(body), Headers{})
		require.NoError(t, err, "probes of tracers are empty")
	}
}

func TestTheEncodingIsNotedOnRequest(t *testing.T) {
	t.Parallel()
	body := msg{}.a(1).a(2)
	body = body.m(4).s("trace_id").u(1).s("span_id").u(2).s("span_links").a(1).m(2).s("trace_id").u(7).s("span_id").u(8)
	body = body.s("span_events").a(1).m(1).s("name").s("e")
	body = body.m(3).s("trace_id").u(1).s("span_id").u(3).s("meta").m(1).s("http.status_code").s("200")
	typed := msg{}.m(1).u(11).a(1).m(2).u(6).bin("\x01").u(4).a(1).m(2).u(4).u(9).u(9).a(3).s("n").u(4).i(5)
	for _, tc := range []struct {
		format Format
		body   []byte
		keep   bool
		mode   Mode
		want   []any
	}{
		{V04, body, true, Both, []any{int64(3), nil}},
		{V04, body, false, Both, []any{nil, nil}},
		{V04, body, true, Semantic, []any{nil, nil}},
		{V10, typed, true, Lossless, []any{int64(4)}},
	} {
		td, _, err := New(Options{Mode: tc.mode, MaxSpans: 10, KeepEncoding: tc.keep}).Decode(tc.format, tc.body, Headers{})
		require.NoError(t, err)
		var got []any
		for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			got = append(got, span.Attributes().AsRaw()["_dd.enc"])
		}
		require.Equal(t, tc.want, got)
	}
	spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{"_dd.enc":"7"},"metrics":{"_dd.enc":7}}]]`)
	require.NotContains(t, spans[2].Attributes().AsRaw(), "_dd.enc", "nobody else may write it")
}

func TestMetaStructStaysBytes(t *testing.T) {
	t.Parallel()
	for mode, want := range map[Mode]map[string]any{
		Both:     {"appsec": []byte("\x81\xa1a\x01"), "_dd.stack": []byte("\xc0")},
		Lossless: {"appsec": []byte("\x81\xa1a\x01"), "_dd.stack": []byte("\xc0")},
		Semantic: {"appsec": []byte("\x81\xa1a\x01")},
	} {
		body := msg{}.a(1).a(1).m(3).s("trace_id").u(1).s("span_id").u(2).s("meta_struct").m(2).s("appsec").bin("\x81\xa1a\x01").s("_dd.stack").bin("\xc0")
		td, _, err := New(Options{Mode: mode, MaxSpans: 10}).Decode(V04, body, Headers{})
		require.NoError(t, err)
		require.Equal(t, want, onlySpan(t, td).Attributes().AsRaw())
	}
}

func TestMemoryIsChargedWhileItGrows(t *testing.T) {
	t.Parallel()
	in := recorded(t)[0]
	body := in.bodies[0]
	charged, calls := 0, 0
	_, stats, err := New(Options{MaxSpans: benchSpans, Charge: func(n int) error {
		charged += n
		calls++
		return nil
	}}).Decode(in.format, body, Headers{})
	require.NoError(t, err)
	require.Positive(t, calls)
	require.Greater(t, charged, 1000*stats.Spans)
	_, _, err = New(Options{MaxSpans: benchSpans, Charge: func(int) error { return os.ErrDeadlineExceeded }}).Decode(in.format, body, Headers{})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func escape(text string) string {
	var out []byte
	for _, c := range []byte(text) {
		if c == '"' {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}
