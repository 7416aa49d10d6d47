package decode

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v10"
)

// msg writes MessagePack: maps and arrays by their header, everything else as tracers may write it.
type msg []byte

func (m msg) m(n uint32) msg    { return msgp.AppendMapHeader(m, n) }
func (m msg) a(n uint32) msg    { return msgp.AppendArrayHeader(m, n) }
func (m msg) s(s string) msg    { return msgp.AppendString(m, s) }
func (m msg) bin(s string) msg  { return msgp.AppendBytes(m, []byte(s)) }
func (m msg) i(i int64) msg     { return msgp.AppendInt64(m, i) }
func (m msg) u(u uint64) msg    { return msgp.AppendUint64(m, u) }
func (m msg) f32(f float32) msg { return msgp.AppendFloat32(m, f) }
func (m msg) f64(f float64) msg { return msgp.AppendFloat64(m, f) }
func (m msg) b(b bool) msg      { return msgp.AppendBool(m, b) }
func (m msg) null() msg         { return msgp.AppendNil(m) }

// oddSpan is a span map of v0.4 as the oddest tracers write it.
func oddSpan(m msg) msg {
	m = m.m(12).s("type").null().s("start").u(1_700_000_000_000_000_000).s("duration").f64(3).s("trace_id").i(-1).s("span_id").i(5)
	m = m.s("parent_id").null().s("error").b(true).s("unheard of").m(1).s("x").a(1).null()
	m = m.s("meta").m(3).s("k\xff").s("v\xfe").bin("b").bin("w").s("n").null()
	m = m.s("metrics").m(2).s("f").f32(1.5).s("i").i(7)
	return m.bin("resource").bin("r").s("service").s("s\xff")
}

// In v1.0 unknown fields of the payload, the chunk, the span, a link and an event bring strings, which later numbers count.
func oddV10() msg {
	m := msg{}.m(3).u(99).a(2).s("one").m(1).s("two").bin("no string") // 1, 2
	m = m.s("no number").s("three")                                    // 3, 4
	m = m.u(v10.PayloadChunks).a(1).m(3).u(98).s("five").u(v10.ChunkTraceID).bin("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	m = m.u(v10.ChunkSpans).a(2).null().m(11).u(97).m(1).s("six").s("one") // 6, and 1 again
	m = m.u(v10.SpanService).s("s\xff").u(v10.SpanResource).s("r")         // 7, 8
	m = m.u(v10.SpanID).i(5).u(v10.SpanParentID).null().u(v10.SpanStart).i(1_700_000_000_000_000_000).u(v10.SpanDuration).f64(3).u(v10.SpanError).u(1)
	m = m.u(v10.SpanLinks).a(1).m(3).u(96).s("nine").u(1).bin("\x01").u(2).u(8)
	m = m.u(v10.SpanEvents).a(1).m(2).u(95).s("ten").u(2).u(9)
	m = m.u(v10.SpanAttributes).a(5 * 3)
	m = m.s("k\xff").u(v10.TypeString).s("v\xfe").s("b").u(v10.TypeString).s("w").s("f").u(v10.TypeFloat).f32(1.5).s("i").u(v10.TypeFloat).i(7)
	return m.u(6).u(v10.TypeString).u(10)
}

func TestEveryFormatBearsWhatTracersWrite(t *testing.T) {
	dict := []string{"", "s\xff", "r", "k\xff", "v\xfe", "b", "w", "f", "i", "n"}
	v05 := msg{}.a(2).a(uint32(len(dict))).null()
	for _, s := range dict[1:] {
		v05 = v05.bin(s)
	}
	v05 = v05.a(1).a(2).null().a(12).i(1).u(0).f64(2).i(-1).i(5).null().u(1_700_000_000_000_000_000).f64(3).b(true)
	v05 = v05.m(3).i(3).i(4).u(5).u(6).u(9).null().m(2).u(7).f32(1.5).u(8).i(7).null()

	common := map[string]any{"k\uFFFD": "v\uFFFD", "b": "w", "f": 1.5, "i": 7.0, "resource.name": "r"}
	for name, tc := range map[string]struct {
		format Format
		body   msg
		more   map[string]any
	}{
		"v0.4": {V04, oddSpan(msg{}.a(1).a(2).null()), map[string]any{"n": ""}},
		"v0.5": {V05, v05, map[string]any{"n": ""}},
		"v0.7": {V07, oddSpan(msg{}.m(2).s("unheard of").null().s("chunks").a(1).m(1).s("spans").a(2).null()), map[string]any{"n": ""}},
		"v1.0": {V10, oddV10(), map[string]any{"six": "ten", "_dd.p.tid": "ffffffffffffffff"}},
	} {
		t.Run(name, func(t *testing.T) {
			td, stats, err := New(Options{Mode: Lossless, MaxSpans: 10}).Decode(tc.format, tc.body, Headers{})
			require.NoError(t, err)
			require.Equal(t, [3]int{DropNil: 1}, stats.Dropped)
			require.Equal(t, 1, td.SpanCount())
			rs := td.ResourceSpans().At(0)
			service, _ := rs.Resource().Attributes().Get("service.name")
			require.Equal(t, "s\uFFFD", service.Str())
			span := rs.ScopeSpans().At(0).Spans().At(0)
			want := make(map[string]any)
			for _, m := range []map[string]any{common, tc.more} {
				for k, v := range m {
					want[k] = v
				}
			}
			require.Equal(t, want, span.Attributes().AsRaw())
			require.Equal(t, "ffffffffffffffff", span.TraceID().String()[16:])
			require.Equal(t, "0000000000000005", span.SpanID().String())
			require.True(t, span.ParentSpanID().IsEmpty())
			require.Equal(t, ptrace.StatusCodeError, span.Status().Code())
			require.EqualValues(t, 3, span.EndTimestamp()-span.StartTimestamp())
			if tc.format == V10 {
				require.Equal(t, "nine", span.Events().At(0).Name(), "the link's unknown field brought number 9")
				require.Equal(t, 1, span.Links().Len())
			}
		})
	}
}

// Of one key the last value wins, whichever of its numbers it has.
func TestTheLastAttributeOfAKeyWins(t *testing.T) {
	for name, tc := range map[string]struct {
		table []string
		keys  []uint64 // in the table, from 1; their values are v0, v1…
		want  map[string]any
	}{
		"in order":           {[]string{"a", "b"}, []uint64{1, 2}, map[string]any{"a": "v0", "b": "v1"}},
		"out of order":       {[]string{"a", "b"}, []uint64{2, 1}, map[string]any{"b": "v0", "a": "v1"}},
		"a key again":        {[]string{"a", "b"}, []uint64{1, 2, 1, 1}, map[string]any{"b": "v1", "a": "v3"}},
		"by another number":  {[]string{"a", "b", "a"}, []uint64{3, 2, 1}, map[string]any{"b": "v1", "a": "v2"}},
		"by a later number":  {[]string{"a", "b", "a"}, []uint64{1, 2, 3}, map[string]any{"b": "v1", "a": "v2"}},
		"with one of no use": {[]string{"a", "b"}, []uint64{2, 0, 2}, map[string]any{"b": "v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			const values = 4
			m := msg{}.m(2).u(v10.PayloadStrings).a(uint32(len(tc.table) + values))
			for _, s := range append(tc.table, "v0", "v1", "v2", "v3") {
				m = m.s(s)
			}
			m = m.u(v10.PayloadChunks).a(1).m(2).u(v10.ChunkTraceID).bin("\x01").u(v10.ChunkSpans).a(1).m(2).u(v10.SpanID).u(5)
			m = m.u(v10.SpanAttributes).a(uint32(3 * len(tc.keys)))
			for i, key := range tc.keys {
				m = m.u(key).u(v10.TypeString).u(uint64(len(tc.table) + 1 + i))
			}
			td, _, err := New(Options{Mode: Lossless, MaxSpans: 10}).Decode(V10, m, Headers{})
			require.NoError(t, err)
			require.Equal(t, tc.want, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw())
		})
	}
}
