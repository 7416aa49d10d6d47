package ddcontext

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func FuzzHeaders(f *testing.F) {
	f.Add(low64, parent, "1", "rum", "_dd.p.dm=-4,_dd.p.tid="+tid, "00-"+tid+"123456789abcdef0-0123456789abcdef-01", "dd=s:1;p:0123456789abcdef,a=1", "1-2-d", false)
	f.Add("1", "0", "x", "synthetics", "_dd.p.tid=,", "cc-", ",=,dd=;;t.tid:1", "123456789abcdef0-0123456789abcdef", true)
	f.Add("0", "0", "0", "0", "0", "0", "0", "1000000000000000-1000000000000000-0", true)
	f.Add("0", "0", "0", "0", "0", "0", "0", "0000000000000010-0000000000000001", false)
	styles := []Style{Datadog, TraceContext, B3, B3Multi}
	f.Fuzz(func(t *testing.T, traceID, parentID, priority, origin, tags, traceparent, tracestate, b3 string, strip bool) {
		options := []Option{WithStyles(styles...)}
		if strip {
			options = append(options, WithStrip())
		}
		p := New(options...)
		in := propagation.MapCarrier{"x-datadog-trace-id": traceID, "x-datadog-parent-id": parentID, "x-datadog-sampling-priority": priority, "x-datadog-origin": origin,
			"x-datadog-tags": tags, "traceparent": traceparent, "tracestate": tracestate, "b3": b3, "x-b3-traceid": traceparent, "x-b3-spanid": parentID, "x-b3-sampled": priority}
		ctx := p.Extract(t.Context(), in)
		sc := trace.SpanContextFromContext(ctx)
		if len(LinksFromContext(ctx)) > len(styles) {
			t.Fatalf("%d links", len(LinksFromContext(ctx)))
		}
		if ctx != t.Context() && !sc.TraceID().IsValid() {
			t.Fatal("the context changed, yet there is no trace id")
		}
		if _, err := trace.ParseTraceState(sc.TraceState().String()); err != nil {
			t.Fatalf("tracestate %q: %v", sc.TraceState(), err)
		}
		out := propagation.MapCarrier{}
		p.Inject(ctx, out)
		if !sc.IsValid() {
			if len(out) > 0 {
				t.Fatalf("injected %v without a span", out)
			}
			return
		}
		for name, value := range out {
			if value == "" || !printable(value) {
				t.Fatalf("%s is %q", name, value)
			}
		}
		if len(out["x-datadog-tags"]) > MaxTagsLength || len(out["x-datadog-origin"]) > maxOriginLength {
			t.Fatal("a header is longer than its limit")
		}
		// Who reads what was written is in the same place. The second hop may say in Datadog's words what the first read in others;
		// from there on nothing changes.
		second, third := propagation.MapCarrier{}, propagation.MapCarrier{}
		again := p.Extract(t.Context(), out)
		if got := trace.SpanContextFromContext(again); got.TraceID() != sc.TraceID() || got.SpanID() != sc.SpanID() || !strip && got.IsSampled() != sc.IsSampled() {
			t.Fatalf("%v became %v on the next hop", sc, got)
		}
		p.Inject(again, second)
		p.Inject(p.Extract(t.Context(), second), third)
		if linesOf(third) != linesOf(second) {
			t.Fatalf("the third hop writes\n%s\nthe second wrote\n%s", linesOf(third), linesOf(second))
		}
	})
}
