// Package boxsharetest holds what the tests of sharers have in common.
package boxsharetest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/boxshare"
)

// SetPooling turns the gate on or off until the test ends.
func SetPooling(t *testing.T, on bool) {
	t.Helper()
	require.NoError(t, featuregate.GlobalRegistry().Set(boxshare.PoolingGate, on))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(boxshare.PoolingGate, false)) })
}

// Changes is all a processor can do to the attributes of a span: pdata is the
// only way to them. other is a span that shares with it.
var Changes = map[string]func(span, other ptrace.Span){
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
