package decode

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// What the decoder remembers of the spans before must not show in any span: a payload decodes to the same as its spans one by one.
func TestSpansAreReadAsIfAlone(t *testing.T) {
	for _, mode := range []Mode{Semantic, Lossless, Both} {
		d := New(Options{Mode: mode, MaxSpans: 1000})
		alone := New(Options{Mode: mode, MaxSpans: 1})
		for seed := range uint64(60) {
			r := repeater{rand.New(rand.NewPCG(seed, 3))}
			spans := make([][]byte, 1+r.IntN(60))
			body := msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), uint32(len(spans)))
			for i := range spans {
				spans[i] = r.span(uint64(i + 1))
				body = append(body, spans[i]...)
			}
			td, _, err := d.Decode(V04, body, Headers{})
			require.NoError(t, err)
			require.Equal(t, len(spans), td.SpanCount())
			for _, rs := range td.ResourceSpans().All() {
				for _, got := range rs.ScopeSpans().At(0).Spans().All() {
					id := got.SpanID()
					one := append(msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), 1), spans[be(id[:])-1]...)
					want, _, err := alone.Decode(V04, one, Headers{})
					require.NoError(t, err)
					require.Equal(t, values(want.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)), values(got), "seed %d, %s", seed, mode)
				}
			}
		}
	}
}

func values(span ptrace.Span) map[string]any {
	all := map[string]any{"name": span.Name(), "attributes": span.Attributes().AsRaw(), "entries": span.Attributes().Len()}
	for _, e := range span.Events().All() {
		all["event "+e.Name()] = e.Attributes().AsRaw()
	}
	for _, l := range span.Links().All() {
		all["link "+l.SpanID().String()] = l.Attributes().AsRaw()
	}
	return all
}

// The same holds for the JSON in tags, though every text is the last one with something else in it.
func TestJSONIsReadAsIfAlone(t *testing.T) {
	now := func() time.Time { return time.Unix(1_795_165_421, 0) }
	d := New(Options{Mode: Both, MaxSpans: 1000, Now: now})
	alone := New(Options{Mode: Both, MaxSpans: 1, Now: now})
	links := []byte(`[{"trace_id":"6b000ced0000000066d41929008a21a9","span_id":"66d41929008a21a9","attributes":{"a":"b", "l":[1,"x",true]},"flags":1}]`)
	events := []byte(`[{"name":"e","time_unix_nano":1795165421275000000,"attributes":{"k":"v","n":1,"d":1.5,"b":true,"arr":["x"],"o":{"p":[]}}},{"name":"f"} ]`)
	seen := map[bool]int{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		bodies := make([][]byte, 40)
		body := msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), uint32(len(bodies)))
		l, e := links, events
		for i := range bodies {
			l, e = edited(rng, l, links), edited(rng, e, events)
			b := msgp.AppendMapHeader(nil, 3)
			b = msgp.AppendUint64(msgp.AppendString(b, "span_id"), uint64(i+1))
			b = msgp.AppendUint64(msgp.AppendString(b, "trace_id"), 7)
			b = msgp.AppendMapHeader(msgp.AppendString(b, "meta"), 2)
			b = msgp.AppendStringFromBytes(msgp.AppendString(b, "_dd.span_links"), l)
			b = msgp.AppendStringFromBytes(msgp.AppendString(b, "events"), e)
			bodies[i] = b
			body = append(body, b...)
		}
		td, stats, err := d.Decode(V04, body, Headers{})
		require.NoError(t, err)
		var sum Stats
		for i, got := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			one, s, err := alone.Decode(V04, append(msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), 1), bodies[i]...), Headers{})
			require.NoError(t, err)
			want := one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			require.Equal(t, want.Attributes().AsRaw(), got.Attributes().AsRaw())
			want.Attributes().Clear() // their order is of how often they repeat
			got.Attributes().Clear()
			wantText, err := new(ptrace.JSONMarshaler).MarshalTraces(one)
			require.NoError(t, err)
			got.CopyTo(want)
			text, err := new(ptrace.JSONMarshaler).MarshalTraces(one)
			require.NoError(t, err)
			require.Equal(t, string(wantText), string(text), "seed %d, %s", seed, bodies[i])
			sum.BadLinks, sum.BadEvents, sum.BadAttributes = sum.BadLinks+s.BadLinks, sum.BadEvents+s.BadEvents, sum.BadAttributes+s.BadAttributes
			seen[s.BadLinks == 0]++
			seen[s.BadEvents == 0]++
		}
		require.Equal(t, sum.BadLinks, stats.BadLinks)
		require.Equal(t, sum.BadEvents, stats.BadEvents)
		require.Equal(t, sum.BadAttributes, stats.BadAttributes)
	}
	t.Logf("%d good and %d bad texts", seen[true], seen[false])
	require.Greater(t, min(seen[true], seen[false]), 1000)
}

// edited returns a text, or fresh again, with a digit doubled or, as often, something anywhere replaced, taken out or put in.
func edited(rng *rand.Rand, text, fresh []byte) []byte {
	if rng.IntN(2) == 0 || len(text) == 0 {
		text = fresh
	}
	from := rng.IntN(len(text))
	if rng.IntN(2) == 0 {
		if i := bytes.IndexAny(text[from:], "0123456789"); i >= 0 {
			from += i
			return slices.Insert(slices.Clone(text), from, text[from])
		}
	}
	parts := []string{`"`, `\`, ` `, `,`, `:`, `[`, `]`, `{`, `}`, `1`, `-7`, `.5`, `e3`, `x`, `{}`, `[]`, `null`, `true`, `"k":`, `"v"`, `"\n"`, `"name":"g",`, "", "", ""}
	return slices.Replace(slices.Clone(text), from, min(len(text), from+rng.IntN(3)), []byte(parts[rng.IntN(len(parts))])...)
}

// repeater makes spans of few names and values, so that they repeat each other, and now and then do not.
type repeater struct{ *rand.Rand }

func (r repeater) span(id uint64) []byte {
	b := msgp.AppendMapHeader(nil, 7)
	b = r.str(msgp.AppendUint64(r.str(b, "span_id"), id), "trace_id")
	b = r.str(msgp.AppendUint64(b, 7), "service")
	b = r.str(r.str(b, r.pick("shop", "pay")), "name")
	b = r.str(r.str(b, r.pick("web.request", "db.query", "x")), "error")
	b = r.str(msgp.AppendInt(b, r.IntN(2)), "meta")
	n := r.IntN(12)
	b = msgp.AppendMapHeader(b, uint32(n))
	for range n {
		key := r.pick("team", "pod", "http.url", "http.method", "error.message", "error.type", "out.host", "db.type", "thread.id", "_dd.x", "operation.name", "both", "events", "_dd.span_links")
		value := r.pick("a", "a", "a", "a", "b", "7")
		switch key {
		case "events":
			value = r.pick(`[{"name":"e","attributes":{"a":"x","n":1.5,"a":"`+value+`","l":[1,"`+value+`"]}}]`, "no JSON")
		case "_dd.span_links":
			value = `[{"trace_id":"7","span_id":"` + r.pick("8", "9") + `","attributes":{"k":"` + value + `"}}]`
		}
		b = r.str(r.str(b, key), value)
	}
	n = r.IntN(5)
	b = msgp.AppendMapHeader(r.str(b, "metrics"), uint32(n))
	for range n {
		b = msgp.AppendFloat64(r.str(b, r.pick("both", "pod", "_dd.measured", "count", "thread.id")), float64(r.IntN(3)))
	}
	return b
}

func (r repeater) pick(of ...string) string { return of[r.IntN(len(of))] }

// str appends a string, now and then in another form than the shortest.
func (r repeater) str(to []byte, s string) []byte {
	switch r.IntN(20) {
	case 0:
		return append(append(to, 0xdb, 0, 0, 0, byte(len(s))), s...)
	case 1:
		return msgp.AppendBytes(to, []byte(s))
	}
	return msgp.AppendString(to, s)
}
