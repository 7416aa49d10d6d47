package datadogrumreceiver

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func setPooling(t *testing.T, on bool) {
	t.Helper()
	require.NoError(t, featuregate.GlobalRegistry().Set(poolingGate, on))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(poolingGate, false)) })
}

// changes is all a processor can do to the attributes of a span: pdata is the
// only way to them. other is a span that shares with it.
var changes = map[string]func(span, other ptrace.Span){
	"SetStr":        eachValue(func(v, _ pcommon.Value) { v.SetStr("changed") }),
	"SetInt":        eachValue(func(v, _ pcommon.Value) { v.SetInt(7) }),
	"SetDouble":     eachValue(func(v, _ pcommon.Value) { v.SetDouble(7) }),
	"SetBool":       eachValue(func(v, _ pcommon.Value) { v.SetBool(true) }),
	"SetEmptyBytes": eachValue(func(v, _ pcommon.Value) { v.SetEmptyBytes().Append(1) }),
	"SetEmptyMap":   eachValue(func(v, _ pcommon.Value) { v.SetEmptyMap().PutStr("k", "v") }),
	"SetEmptySlice": eachValue(func(v, _ pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr("v") }),
	"FromRaw":       eachValue(func(v, _ pcommon.Value) { _ = v.FromRaw("changed") }),
	"FromRaw nil":   eachValue(func(v, _ pcommon.Value) { _ = v.FromRaw(nil) }),
	"CopyTo":        eachValue(func(v, fresh pcommon.Value) { fresh.CopyTo(v) }),
	"MoveTo":        eachValue(func(v, fresh pcommon.Value) { fresh.MoveTo(v) }),
	"MoveTo, away":  eachValue(func(v, fresh pcommon.Value) { v.MoveTo(fresh); fresh.SetStr("changed") }),
	"its list": eachValue(func(v, _ pcommon.Value) {
		if v.Type() == pcommon.ValueTypeSlice {
			v.Slice().At(0).SetStr("changed")
		}
	}),
	"PutStr":    eachKey(func(m pcommon.Map, k string) { m.PutStr(k, "changed") }),
	"PutInt":    eachKey(func(m pcommon.Map, k string) { m.PutInt(k, 7) }),
	"PutDouble": eachKey(func(m pcommon.Map, k string) { m.PutDouble(k, 7) }),
	"PutBool":   eachKey(func(m pcommon.Map, k string) { m.PutBool(k, true) }),
	"PutEmpty":  eachKey(func(m pcommon.Map, k string) { m.PutEmpty(k).SetStr("changed") }),
	"Remove":    eachKey(func(m pcommon.Map, k string) { m.Remove(k); m.PutStr(k, "changed") }),
	"RemoveIf": func(span, _ ptrace.Span) {
		span.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool { return strings.HasPrefix(k, "rum.") })
		span.Attributes().PutStr("new", "x")
	},
	"Clear":             func(span, _ ptrace.Span) { span.Attributes().Clear(); span.Attributes().PutStr("new", "x") },
	"Map.FromRaw":       func(span, _ ptrace.Span) { _ = span.Attributes().FromRaw(map[string]any{"new": "x"}) },
	"Map.CopyTo, onto":  func(span, other ptrace.Span) { other.Attributes().CopyTo(span.Attributes()); eachSetStr(span) },
	"Map.CopyTo, from":  func(span, other ptrace.Span) { span.Attributes().CopyTo(other.Attributes()); eachSetStr(other) },
	"Map.MoveTo":        func(span, other ptrace.Span) { span.Attributes().MoveTo(other.Attributes()); eachSetStr(other) },
	"Span.CopyTo":       func(span, other ptrace.Span) { span.CopyTo(other); eachSetStr(other) },
	"Span.MoveTo":       func(span, other ptrace.Span) { span.MoveTo(other); eachSetStr(other) },
	"Span.MoveTo a new": func(span, _ ptrace.Span) { to := ptrace.NewSpan(); span.MoveTo(to); eachSetStr(to) },
	"room":              func(span, _ ptrace.Span) { span.Attributes().EnsureCapacity(100); eachSetStr(span) },
}

func eachValue(f func(v, fresh pcommon.Value)) func(span, other ptrace.Span) {
	return func(span, _ ptrace.Span) {
		for _, v := range span.Attributes().All() {
			f(v, pcommon.NewValueStr("fresh"))
		}
	}
}

func eachKey(f func(m pcommon.Map, key string)) func(span, other ptrace.Span) {
	return func(span, _ ptrace.Span) {
		for key := range span.Attributes().AsRaw() {
			f(span.Attributes(), key)
		}
	}
}

func eachSetStr(span ptrace.Span) {
	for _, v := range span.Attributes().All() {
		v.SetStr("changed")
	}
}

// What a pipeline does to one span is not seen in others, nor in later ones.
func TestSharedAttributesAreNotSeenThrough(t *testing.T) {
	anonymous := strings.Replace(fetchLine, `"id":"7e000000-0000-4000-8000-000000000001",`, "", 1)
	lines := func(from int) string {
		list := make([]string, 5)
		for i := range list {
			list[i] = strings.Replace(anonymous, `"span_id":"`, fmt.Sprintf(`"span_id":"%d`, from+i), 1)
		}
		return strings.Join(list, "\n")
	}
	for _, pooling := range []bool{false, true} {
		for name, change := range changes {
			t.Run(fmt.Sprintf("%s, pooling %t", name, pooling), func(t *testing.T) {
				setPooling(t, pooling)
				g := newRig(t, nil)
				convert := func(body string) ptrace.SpanSlice {
					g.traces.Reset()
					require.False(t, g.ingest(t.Context(), body, &origin{}).retry)
					return g.traces.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				}
				spans := convert(lines(1))
				want := spans.At(0).Attributes().AsRaw()
				require.Greater(t, len(want), 10)
				change(spans.At(1), spans.At(2))
				change(spans.At(3), spans.At(2))
				// What pooling emptied is used again by whoever comes next.
				for range 10 {
					pcommon.NewMap().PutStr("next", "body")
				}
				require.Equal(t, want, spans.At(0).Attributes().AsRaw())
				require.Equal(t, want, spans.At(4).Attributes().AsRaw())
				change(spans.At(0), spans.At(4))
				for i, span := range convert(lines(6)).All() {
					require.Equal(t, want, span.Attributes().AsRaw(), i)
				}
			})
		}
	}
}

// An attribute of one event is not left in the next, whatever takes its place.
func TestSharedAttributesAreReplaced(t *testing.T) {
	values := []string{`"text"`, `7`, `7.5`, `true`, `null`, `""`, `"https://a.example/?q=1"`, `18446744073709551616`}
	want := []any{"text", int64(7), 7.5, true, nil, "", "https://a.example/?q=REDACTED", "18446744073709551616"}
	for first := range values {
		g := newRig(t, nil)
		var lines []string
		for i := range values {
			value := values[(first+i)%len(values)]
			lines = append(lines,
				fmt.Sprintf(`{"type":"x","date":1795168790000,"application":{"id":"a"},"n":%d,"value":%s}`, i, value),
				fmt.Sprintf(`{"type":"x","date":1795168790000,"application":{"id":"a"},"n":%d,"value":{"deep":%s,"list":[%s]}}`, i, value, value))
		}
		require.False(t, g.ingest(t.Context(), strings.Join(lines, "\n"), &origin{received: pcommon.NewTimestampFromTime(testNow)}).retry)
		for i, lr := range g.records() {
			value := want[(first+i/2)%len(values)]
			attrs := map[string]any{"datadog.type": "x", "rum.application.id": "a", "datadog.n": int64(i / 2)}
			if i%2 == 0 {
				attrs["datadog.value"] = value
			} else {
				attrs["datadog.value.deep"], attrs["datadog.value.list"] = value, []any{value}
			}
			require.Equal(t, attrs, lr.Attributes().AsRaw())
		}
	}
}

func TestNothingIsSharedWhenPdataPools(t *testing.T) {
	require.True(t, mayShare(), "the gate is known and off")
	setPooling(t, true)
	require.False(t, mayShare())
}

// What an ingest has seen before shows in nothing it writes: every line of every
// story becomes what it becomes in a new one, whichever line came before it.
func TestAnEventIsWrittenAsIfItWereTheFirst(t *testing.T) {
	lines := goldenLines(t)
	from := &origin{received: pcommon.NewTimestampFromTime(testNow)}
	written := func(in *ingest, body string) (out []string) {
		t.Helper()
		traces, logs := new(consumertest.TracesSink), new(consumertest.LogsSink)
		in.r.traces, in.r.logs = traces, logs
		require.False(t, in.run(t.Context(), body, from).retry)
		for _, td := range traces.AllTraces() {
			out = append(out, asJSON(t, func() ([]byte, error) { return (&ptrace.JSONMarshaler{}).MarshalTraces(td) }))
		}
		for _, ld := range logs.AllLogs() {
			out = append(out, asJSON(t, func() ([]byte, error) { return (&plog.JSONMarshaler{}).MarshalLogs(ld) }))
		}
		return out
	}
	want := make([][]string, len(lines))
	for i, line := range lines {
		in, _ := newConverter(t)
		want[i] = written(in, line)
	}
	warm, forget := newConverter(t)
	order := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 20 {
		for _, i := range order.Perm(len(lines)) {
			forget()
			warm.r.held = newHeld(warm.r.cfg) // what is inferred depends on what came before, by design
			require.Equal(t, want[i], written(warm, lines[i]), lines[i])
			warm.giveBack()
		}
	}
}

func asJSON(t *testing.T, marshal func() ([]byte, error)) string {
	t.Helper()
	raw, err := marshal()
	require.NoError(t, err)
	return string(raw)
}
