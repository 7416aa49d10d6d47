package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// changes is all a processor can do to attributes: pdata is the only way to them. other is a span that shares with span.
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
	"PutStr":        eachKey(func(m pcommon.Map, k string) { m.PutStr(k, "changed") }),
	"PutInt":        eachKey(func(m pcommon.Map, k string) { m.PutInt(k, 7) }),
	"PutDouble":     eachKey(func(m pcommon.Map, k string) { m.PutDouble(k, 7) }),
	"PutBool":       eachKey(func(m pcommon.Map, k string) { m.PutBool(k, true) }),
	"PutEmpty":      eachKey(func(m pcommon.Map, k string) { m.PutEmpty(k).SetStr("changed") }),
	"Remove":        eachKey(func(m pcommon.Map, k string) { m.Remove(k); m.PutStr(k, "changed") }),
	"RemoveIf": func(span, _ ptrace.Span) {
		span.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool { return strings.Contains(k, ".") })
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

// Spans share the values they repeat. Whoever changes one span must not change the others, whether pdata pools or not.
func TestSharedValuesAreNotSeenThrough(t *testing.T) {
	body := "[["
	for id := 2; id <= 6; id++ {
		body += fmt.Sprintf(`{"trace_id":1,"span_id":%d,"service":"s","name":"n","resource":"r","type":"web",`+
			`"meta":{"component":"c"},"metrics":{"_dd.measured":1,"http.status_code":200}},`, id)
	}
	body = strings.TrimSuffix(body, ",") + "]]"
	for _, pooling := range []bool{false, true} {
		setPooling(t, pooling)
		for name, change := range changes {
			t.Run(fmt.Sprintf("%s, pooling %t", name, pooling), func(t *testing.T) {
				spans, td, _ := decodeJSON(t, Both, body)
				want := spans[6].Attributes().AsRaw()
				require.Len(t, want, 6)
				change(spans[2], spans[3])
				change(spans[4], spans[3])
				// What pooling emptied is used again by whoever comes next.
				for range 10 {
					pcommon.NewMap().PutStr("next", "payload")
				}
				require.Equal(t, want, spans[6].Attributes().AsRaw())
				require.Equal(t, want, spans[5].Attributes().AsRaw())
				td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(s ptrace.Span) bool { return s.SpanID() != spanID(6) })
				require.Equal(t, want, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw())
			})
		}
	}
}

// Events and links share as spans do; their lists do not.
func TestSharedValuesOfEventsAndLinksAreNotSeenThrough(t *testing.T) {
	body := "[["
	for id := 2; id <= 6; id++ {
		body += fmt.Sprintf(`{"trace_id":1,"span_id":%d,"service":"s","name":"n","error":1,"meta":{"error.type":"E","error.message":"m",`+
			`"events":"[{\"name\":\"e\",\"attributes\":{\"n\":1,\"a\":\"x\",\"a\":\"y\",\"list\":[1,2]}}]",`+
			`"_dd.span_links":"[{\"trace_id\":\"7\",\"span_id\":\"8\",\"attributes\":{\"k\":\"v\"}}]"}},`, id)
	}
	spans, _, _ := decodeJSON(t, Both, strings.TrimSuffix(body, ",")+"]]")
	maps := func(span ptrace.Span) []pcommon.Map {
		return []pcommon.Map{span.Events().At(0).Attributes(), span.Events().At(1).Attributes(), span.Links().At(0).Attributes()}
	}
	want := []map[string]any{
		{"n": int64(1), "a": "y", "list": []any{int64(1), int64(2)}},
		{"exception.type": "E", "exception.message": "m"},
		{"k": "v"},
	}
	for i, m := range maps(spans[5]) {
		require.Equal(t, want[i], m.AsRaw())
		for _, v := range m.All() {
			if v.Type() == pcommon.ValueTypeSlice {
				v.Slice().At(0).SetStr("changed")
			} else {
				v.SetStr("changed")
			}
		}
		m.PutStr("new", "x")
	}
	for _, id := range []uint64{2, 3, 4, 6} {
		for i, m := range maps(spans[id]) {
			require.Equal(t, want[i], m.AsRaw())
		}
	}
}

func TestNothingIsSharedWhenPdataPools(t *testing.T) {
	require.True(t, newShared().on, "the gate is known and off")
	setPooling(t, true)
	require.False(t, newShared().on)
}

func spanID(n byte) pcommon.SpanID { return pcommon.SpanID{7: n} }

func setPooling(t *testing.T, on bool) {
	t.Helper()
	require.NoError(t, featuregate.GlobalRegistry().Set(poolingGate, on))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(poolingGate, false)) })
}
