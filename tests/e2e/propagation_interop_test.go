package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// propagationStyles names the styles as dd-trace-go and as ddcontext call them.
var propagationStyles = []struct {
	datadog string
	ours    []ddcontext.Style
}{
	{"datadog", []ddcontext.Style{ddcontext.Datadog}},
	{"tracecontext", []ddcontext.Style{ddcontext.TraceContext}},
	{"datadog,tracecontext", []ddcontext.Style{ddcontext.Datadog, ddcontext.TraceContext}},
	{"tracecontext,datadog", []ddcontext.Style{ddcontext.TraceContext, ddcontext.Datadog}},
	{"b3multi", []ddcontext.Style{ddcontext.B3Multi}},
	{"b3 single header", []ddcontext.Style{ddcontext.B3}},
}

// wire is one carrier seen from both sides.
type wire struct {
	name    string
	datadog func() any
	ours    func() propagation.TextMapCarrier
}

func wires() []wire {
	headers, texts := http.Header{}, map[string]string{}
	return []wire{
		{"http", func() any { return tracer.HTTPHeadersCarrier(headers) }, func() propagation.TextMapCarrier { return propagation.HeaderCarrier(headers) }},
		{"text map", func() any { return tracer.TextMapCarrier(texts) }, func() propagation.TextMapCarrier { return propagation.MapCarrier(texts) }},
	}
}

func datadogPropagator(style string) tracer.Propagator {
	return tracer.NewPropagator(&tracer.PropagatorConfig{InjectStyle: style, ExtractStyle: style, MaxTagsHeaderLen: 512})
}

// startDatadog starts dd-trace-go with an agent that takes everything, making ids of the given width.
func startDatadog(t *testing.T, bits int) {
	t.Helper()
	t.Setenv("DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED", fmt.Sprint(bits == 128))
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	t.Cleanup(agent.Close)
	require.NoError(t, tracer.Start(tracer.WithAgentURL(agent.URL), tracer.WithService("interop"), tracer.WithLogStartup(false)))
	t.Cleanup(tracer.Stop)
}

// What dd-trace-go injects, ddcontext reads: ids of either width, the decision and who took it.
func TestPropagationFromDatadog(t *testing.T) {
	for _, bits := range []int{64, 128} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			startDatadog(t, bits)
			for _, style := range propagationStyles {
				for _, decision := range []struct {
					tag      string
					priority int
					maker    string
				}{{"", 1, "-1"}, {ext.ManualKeep, 2, "-4"}, {ext.ManualDrop, -1, ""}} {
					for _, w := range wires() {
						name := fmt.Sprintf("%s, %s, %q", style.datadog, w.name, decision.tag)
						span := tracer.StartSpan("interop")
						if decision.tag != "" {
							span.SetTag(decision.tag, true)
						}
						require.NoError(t, datadogPropagator(style.datadog).Inject(span.Context(), w.datadog()), name)
						ctx := ddcontext.New(ddcontext.WithStyles(style.ours...)).Extract(t.Context(), w.ours())
						got := trace.SpanContextFromContext(ctx)
						require.Equal(t, span.Context().TraceIDBytes(), [16]byte(got.TraceID()), name)
						require.Equal(t, bits == 64, span.Context().TraceIDUpper() == 0, name)
						require.Equal(t, span.Context().SpanID(), ddcontext.SpanIDUint64(got.SpanID()), name)
						require.Equal(t, decision.priority > 0, got.IsSampled(), name)
						require.Empty(t, ddcontext.LinksFromContext(ctx), name)
						if !strings.HasPrefix(style.datadog, "b3") {
							data, ok := ddcontext.FromContext(ctx)
							require.True(t, ok, name)
							require.Equal(t, decision.priority, data.Priority, name)
							maker, _ := data.Tags.Get("_dd.p.dm")
							require.Equal(t, decision.maker, maker, name)
							require.Equal(t, fmt.Sprintf("%016x", span.Context().SpanID()), data.LastParent, name)
						}
						span.Finish()
					}
				}
			}
		})
	}
}

// short makes 64-bit trace ids.
type short struct{ n uint64 }

func (s *short) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	s.n++
	return ddcontext.JoinTraceID(0, 1<<63|s.n), ddcontext.SpanID(1<<62 | s.n)
}

func (s *short) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	s.n++
	return ddcontext.SpanID(1<<62 | s.n)
}

// What ddcontext injects for a span of the OpenTelemetry SDK, dd-trace-go reads, and its own span continues the trace.
func TestPropagationToDatadog(t *testing.T) {
	startDatadog(t, 128)
	for _, bits := range []int{64, 128} {
		for _, sampler := range []sdktrace.Sampler{sdktrace.AlwaysSample(), sdktrace.NeverSample()} {
			options := []sdktrace.TracerProviderOption{sdktrace.WithSampler(sampler)}
			if bits == 64 {
				options = append(options, sdktrace.WithIDGenerator(&short{}))
			}
			otelTracer := sdktrace.NewTracerProvider(options...).Tracer("interop")
			for _, style := range propagationStyles {
				for _, w := range wires() {
					name := fmt.Sprintf("%d, %s, %s, %s", bits, sampler.Description(), style.datadog, w.name)
					ctx, span := otelTracer.Start(t.Context(), "interop")
					ddcontext.New(ddcontext.WithStyles(style.ours...)).Inject(ctx, w.ours())
					got, err := datadogPropagator(style.datadog).Extract(w.datadog())
					require.NoError(t, err, name)
					want := span.SpanContext()
					require.Equal(t, [16]byte(want.TraceID()), got.TraceIDBytes(), name)
					require.Equal(t, bits == 64, got.TraceIDUpper() == 0, name)
					require.Equal(t, ddcontext.SpanIDUint64(want.SpanID()), got.SpanID(), name)
					priority, ok := got.SamplingPriority()
					require.True(t, ok, name)
					require.Equal(t, want.IsSampled(), priority > 0, name)
					require.Empty(t, got.SpanLinks(), name)

					child := tracer.StartSpan("child", tracer.ChildOf(got)) //nolint:staticcheck // what services call today
					require.Equal(t, [16]byte(want.TraceID()), child.Context().TraceIDBytes(), name)
					childPriority, _ := child.Context().SamplingPriority()
					require.Equal(t, priority, childPriority, name)
					child.Finish()
					span.End()
				}
			}
		}
	}
}

// A hop through the OpenTelemetry SDK between two dd-trace-go services loses nothing: decision, maker, origin, user and the last Datadog span.
func TestPropagationThroughAnOpenTelemetryHop(t *testing.T) {
	const tags = "_dd.p.dm=-4,_dd.p.usr.id=baz64==,_dd.p.tid=640cfd8d00000000"
	otelTracer := sdktrace.NewTracerProvider().Tracer("interop")
	for _, style := range propagationStyles[:4] { // B3 has no room for these
		propagator := ddcontext.New(ddcontext.WithStyles(style.ours...))
		for _, w := range wires() {
			name := style.datadog + ", " + w.name
			sender, err := datadogPropagator("datadog").Extract(tracer.TextMapCarrier{"x-datadog-trace-id": "1311768467463790320", "x-datadog-parent-id": "81985529216486895",
				"x-datadog-sampling-priority": "2", "x-datadog-origin": "synthetics", "x-datadog-tags": tags})
			require.NoError(t, err)
			require.NoError(t, datadogPropagator(style.datadog).Inject(sender, w.datadog()))

			ctx, span := otelTracer.Start(propagator.Extract(t.Context(), w.ours()), "hop")
			propagator.Inject(ctx, w.ours())
			span.End()

			receiver, err := datadogPropagator(style.datadog).Extract(w.datadog())
			require.NoError(t, err, name)
			require.Equal(t, sender.TraceIDBytes(), receiver.TraceIDBytes(), name)
			require.Equal(t, ddcontext.SpanIDUint64(span.SpanContext().SpanID()), receiver.SpanID(), name)
			priority, _ := receiver.SamplingPriority()
			require.Equal(t, 2, priority, name)

			seen := tracer.TextMapCarrier{}
			require.NoError(t, datadogPropagator("datadog,tracecontext").Inject(receiver, seen))
			require.Equal(t, "synthetics", seen["x-datadog-origin"], name)
			require.Equal(t, sortedTags(tags), sortedTags(seen["x-datadog-tags"]), name)
			if style.datadog == "tracecontext" {
				require.Contains(t, seen["tracestate"], ";p:0123456789abcdef;", name)
			}
		}
	}
}

func sortedTags(tags string) []string { return slices.Sorted(strings.SplitSeq(tags, ",")) }

// Random ids there and back: formatting and parsing on either side agree.
func TestPropagationOfManyIDs(t *testing.T) {
	both := ddcontext.New()
	for i := range 500 {
		high, low := splitmix(uint64(2*i)), splitmix(uint64(2*i+1))
		if i%2 == 0 {
			high = 0
		}
		sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: ddcontext.JoinTraceID(high, low), SpanID: ddcontext.SpanID(low ^ high | 1), TraceFlags: trace.FlagsSampled})
		texts := propagation.MapCarrier{}
		both.Inject(trace.ContextWithSpanContext(t.Context(), sc), texts)
		got, err := datadogPropagator("datadog,tracecontext").Extract(tracer.TextMapCarrier(texts))
		require.NoError(t, err)
		require.Equal(t, high, got.TraceIDUpper())
		require.Equal(t, low, got.TraceIDLower())
		back := tracer.TextMapCarrier{}
		require.NoError(t, datadogPropagator("datadog,tracecontext").Inject(got, back))
		again := trace.SpanContextFromContext(both.Extract(t.Context(), propagation.MapCarrier(back)))
		require.Equal(t, sc.TraceID(), again.TraceID())
		require.Equal(t, sc.SpanID(), again.SpanID())
	}
}

func splitmix(n uint64) uint64 {
	n = (n + 1) * 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	return n ^ n>>31
}

// Where the two readers part, they do so for a reason that is written here; everywhere else they read the same headers alike.
func TestPropagationDiffersFromDatadogOnlyWhereSaid(t *testing.T) {
	const ids = "x-datadog-trace-id: 1311768467463790320\nx-datadog-parent-id: 81985529216486895\n"
	const tp = "traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-"
	for _, tc := range []struct{ headers, why string }{
		{ids, ""},
		{ids + "x-datadog-sampling-priority: 2", ""},
		{ids + "x-datadog-sampling-priority: -1", ""},
		{ids + "x-datadog-sampling-priority: 5", ""},
		{ids + "x-datadog-sampling-priority: high", "dd-trace-go loses the context with a bad priority"},
		{ids + "x-datadog-tags: _dd.p.tid=640cfd8d00000000", ""},
		{ids + "x-datadog-tags: _dd.p.tid=640CFD8D00000000", ""},
		{ids + "x-datadog-tags: _dd.p.tid=640cfd8d0000000", ""},
		{ids + "x-datadog-tags: _dd.p.tid=0000000000000000", ""},
		{ids + "x-datadog-tags: _dd.p.tid=640cfd8d00000000,", "ddcontext takes a good tid out of a broken list, dd-trace-go splits the trace"},
		{ids + "x-datadog-tags: _dd.p.tid=640cfd8d00000000,a=", "ddcontext takes a good tid out of a broken list, dd-trace-go splits the trace"},
		{ids + "x-datadog-tags: " + strings.Repeat("x", 513), ""},
		{"x-datadog-trace-id: 0\nx-datadog-parent-id: 1", ""},
		{"x-datadog-trace-id: x\nx-datadog-parent-id: 1", ""},
		{"x-datadog-trace-id: 18446744073709551616\nx-datadog-parent-id: 1", ""},
		{"x-datadog-trace-id: 1\nx-datadog-parent-id: 0", ""},
		{"x-datadog-trace-id: 1\nx-datadog-parent-id: 0\nx-datadog-origin: synthetics", ""},
		{"x-datadog-trace-id: 1\nx-datadog-parent-id: 0\nx-datadog-origin: synthetics-browser", "dd-trace-go continues only the API tests' traces"},
		{"x-datadog-trace-id: -1\nx-datadog-parent-id: 1", "dd-trace-go reads a sign as two's complement"},
		{tp + "01", ""},
		{tp + "00", ""},
		{tp + "03", ""},
		{"traceparent: ff-640cfd8d00000000123456789abcdef0-0123456789abcdef-01", ""},
		{"traceparent: cc-640cfd8d00000000123456789abcdef0-0123456789abcdef-01-more", ""},
		{"traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01-more", ""},
		{"traceparent: 00-640CFD8D00000000123456789abcdef0-0123456789abcdef-01", "dd-trace-go accepts upper-case, W3C forbids it"},
		{tp + "01\ntracestate: dd=s:2;o:rum;t.dm:-4", ""},
		{tp + "01\ntracestate: dd=s:0", ""},
		{tp + "00\ntracestate: dd=s:2", ""},
		{tp + "01\ntracestate: dd=s:x", ""},
		{tp + "01\ntracestate: a=1, dd=s:2 ,BAD=", ""},
		{tp + "01\ntracestate: dd=s:2;t.a:" + strings.Repeat("x", 300), ""},
		{ids + "x-datadog-sampling-priority: 2\nx-datadog-tags: _dd.p.tid=640cfd8d00000000\n" + tp + "01", ""},
		{ids + "x-datadog-sampling-priority: 2\nx-datadog-tags: _dd.p.tid=640cfd8d00000000\ntraceparent: 00-640cfd8d00000000123456789abcdef0-00000000000000aa-01", ""},
		{ids + "x-datadog-sampling-priority: 2\n" + tp + "01", ""},
		{ids + "x-datadog-sampling-priority: 2\nx-datadog-tags: _dd.p.tid=640cfd8d\n" + tp + "01", "the upper half was sent and lost: ddcontext takes it from traceparent, dd-trace-go splits the trace"},
		{"x-datadog-trace-id: 0\nx-datadog-parent-id: 1\n" + tp + "01", ""},
		{"x-datadog-trace-id: x\nx-datadog-parent-id: 1\n" + tp + "01", "dd-trace-go gives up at the first style that is malformed"},
	} {
		texts := map[string]string{}
		for line := range strings.SplitSeq(strings.TrimSpace(tc.headers), "\n") {
			name, value, _ := strings.Cut(line, ": ")
			texts[name] = value
		}
		theirs := "none"
		if got, err := datadogPropagator("datadog,tracecontext").Extract(tracer.TextMapCarrier(maps.Clone(texts))); err == nil {
			theirs = fmt.Sprintf("%x %x, %d links", got.TraceIDBytes(), got.SpanID(), len(got.SpanLinks()))
			if priority, ok := got.SamplingPriority(); ok {
				theirs += fmt.Sprintf(", priority %d", priority)
			}
		}
		ours := "none"
		ctx := ddcontext.New().Extract(t.Context(), propagation.MapCarrier(texts))
		if sc := trace.SpanContextFromContext(ctx); sc.TraceID().IsValid() {
			ours = fmt.Sprintf("%s %x, %d links", sc.TraceID(), ddcontext.SpanIDUint64(sc.SpanID()), len(ddcontext.LinksFromContext(ctx)))
			if data, ok := ddcontext.FromContext(ctx); ok && data.HasPriority {
				ours += fmt.Sprintf(", priority %d", data.Priority)
			} else if !ok {
				ours += fmt.Sprintf(", priority %d", sc.TraceFlags()&trace.FlagsSampled)
			}
		}
		if (ours == theirs) != (tc.why == "") {
			t.Errorf("%q:\n ddcontext   %s\n dd-trace-go %s\n said: %q", tc.headers, ours, theirs, tc.why)
		}
	}
}

// Datadog's synthetic tests name a trace and no parent: the SDK's span is the root of that trace, and dd-trace-go continues from it.
func TestPropagationOfASyntheticTest(t *testing.T) {
	propagator := ddcontext.New()
	ctx := propagator.Extract(t.Context(), propagation.MapCarrier{"x-datadog-trace-id": "1311768467463790320", "x-datadog-parent-id": "0", "x-datadog-sampling-priority": "1", "x-datadog-origin": "synthetics"})
	ctx, span := sdktrace.NewTracerProvider().Tracer("interop").Start(ctx, "test step")
	defer span.End()
	require.Equal(t, "0000000000000000123456789abcdef0", span.SpanContext().TraceID().String())
	require.False(t, span.(sdktrace.ReadOnlySpan).Parent().SpanID().IsValid())

	texts := map[string]string{}
	propagator.Inject(ctx, propagation.MapCarrier(texts))
	got, err := datadogPropagator("datadog,tracecontext").Extract(tracer.TextMapCarrier(texts))
	require.NoError(t, err)
	require.Equal(t, uint64(1311768467463790320), got.TraceIDLower())
	require.Zero(t, got.TraceIDUpper())
	require.Equal(t, ddcontext.SpanIDUint64(span.SpanContext().SpanID()), got.SpanID())
	require.Equal(t, "synthetics", texts["x-datadog-origin"])
}

// The trap that ddcontext's example of a consumer warns of: beside a span in the context, ChildOf goes unheard.
func TestPropagationTrapOfTheConsumersContext(t *testing.T) {
	startDatadog(t, 128)
	producer := tracer.StartSpan("produce")
	defer producer.Finish()
	message := tracer.TextMapCarrier{}
	require.NoError(t, tracer.Inject(producer.Context(), message))
	extracted, err := tracer.Extract(message)
	require.NoError(t, err)
	poll, pollCtx := tracer.StartSpanFromContext(t.Context(), "poll")
	defer poll.Finish()

	right := tracer.StartSpan("process", tracer.ChildOf(extracted)) //nolint:staticcheck // a remote parent has no StartChild
	defer right.Finish()
	require.Equal(t, producer.Context().TraceIDBytes(), right.Context().TraceIDBytes())
	wrong, _ := tracer.StartSpanFromContext(pollCtx, "process", tracer.ChildOf(extracted)) //nolint:staticcheck // a remote parent has no StartChild
	defer wrong.Finish()
	require.Equal(t, poll.Context().TraceIDBytes(), wrong.Context().TraceIDBytes())
}
