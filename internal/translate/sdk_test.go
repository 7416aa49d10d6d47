package translate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// testdata/sdk holds what dd-trace-js 6.21 and ddtrace 4.16 sent over OTLP.
func TestSpansOfDatadogSDKsOverOTLP(t *testing.T) {
	t.Parallel()
	for _, sdk := range []string{"js", "python"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			dir := "testdata/sdk/" + sdk
			td := goldentest.Traces(t, dir+"/in.yaml")
			s := NewSDK(Options{})
			require.Equal(t, 2, s.Traces(td))
			goldentest.EqualTraces(t, dir+"/out.yaml", td)
			require.Zero(t, s.Traces(td), "what was translated once is left alone")
			goldentest.EqualTraces(t, dir+"/out.yaml", td)
		})
	}
}

func TestOtherResourcesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, attrs := range map[string]map[string]any{
		"an OpenTelemetry SDK": {"telemetry.sdk.name": "opentelemetry", "runtime-id": "r"},
		"the datadog receiver": {"telemetry.sdk.name": "datadog", "runtime-id": "r", "service.instance.id": "r"},
		"semantic mode":        {"telemetry.sdk.name": "datadog", "service.instance.id": "r"},
		"nothing":              {},
	} {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		require.NoError(t, rs.Resource().Attributes().FromRaw(attrs))
		span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName("resource")
		require.NoError(t, span.Attributes().FromRaw(map[string]any{"operation.name": "web.request", "http.method": "GET"}))
		want := ptrace.NewTraces()
		td.CopyTo(want)
		require.Zero(t, NewSDK(Options{}).Traces(td), name)
		require.Equal(t, want, td, name)
	}
}

func TestServicesOfOneProcessBecomeResources(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(map[string]any{"telemetry.sdk.name": "datadog", "runtime-id": "r", "service.name": "shop"}))
	for scope := range 2 {
		spans := rs.ScopeSpans().AppendEmpty()
		spans.Scope().SetName(string(rune('a' + scope)))
		for i := range 2 * maxMoved {
			span := spans.Spans().AppendEmpty()
			span.SetSpanID([8]byte{byte(i), byte(i >> 8), byte(scope), 1})
			span.Attributes().PutStr("operation.name", "op")
			if i%2 == 1 {
				span.Attributes().PutStr("service.name", string(rune('a'+i%7)))
			}
		}
	}
	require.Equal(t, 4*maxMoved, NewSDK(Options{}).Traces(td))
	require.Equal(t, 4*maxMoved, td.SpanCount())
	require.Equal(t, 8, td.ResourceSpans().Len())
	for _, rs := range td.ResourceSpans().All() {
		require.Equal(t, 2, rs.ScopeSpans().Len())
	}
}

func TestEveryServiceMayHaveMoved(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(map[string]any{"telemetry.sdk.name": "datadog", "runtime-id": "r", "service.name": "shop"}))
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Attributes().PutStr("service.name", "cart")
	require.Equal(t, 1, NewSDK(Options{}).Traces(td))
	require.Equal(t, 1, td.ResourceSpans().Len())
	name, _ := td.ResourceSpans().At(0).Resource().Attributes().Get("service.name")
	require.Equal(t, "cart", name.Str())
}

func TestSpansOfTooManyServicesKeepTheirServiceAsAnAttribute(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	require.NoError(t, rs.Resource().Attributes().FromRaw(map[string]any{"telemetry.sdk.name": "datadog", "runtime-id": "r", "service.name": "shop"}))
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range maxMoved + 5 {
		spans.AppendEmpty().Attributes().PutStr("service.name", fmt.Sprint("s", i))
	}
	NewSDK(Options{}).Traces(td)
	require.Equal(t, maxMoved+5, td.SpanCount())
	require.Equal(t, maxMoved+1, td.ResourceSpans().Len())
	require.Equal(t, 5, spans.Len())
	name, _ := spans.At(0).Attributes().Get("service.name")
	require.Equal(t, fmt.Sprint("s", maxMoved), name.Str())
}

func TestIDsInTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]uint64{
		"7": {0, 7}, "a": {0, 10}, "66d41929008a21a9": {0, 0x66d41929008a21a9}, "6d41929008a21a9": {0, 0x6d41929008a21a9},
		"18446744073709551615":             {0, 1<<64 - 1}, // no length of a 64-bit id in hexadecimal
		"6b000ced0000000066d41929008a21a9": {0x6b000ced00000000, 0x66d41929008a21a9},
		"b000ced0000000066d41929008a21a9":  {0xb000ced00000000, 0x66d41929008a21a9},
		"666666666666666666666":            {0x66666, 0x6666666666666666},
	} {
		high, low, ok := ParseID(text)
		require.True(t, ok, text)
		require.Equal(t, want, [2]uint64{high, low}, text)
	}
	for _, text := range []string{"", "x", "0x7", "-1", "66d41929008a21ag", "6b000ced0000000066d41929008a21a90"} {
		_, _, ok := ParseID(text)
		require.False(t, ok, text)
	}
}
