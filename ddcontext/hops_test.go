package ddcontext

import (
	"context"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A map that is used again holds the headers of one hop only, whoever spelled the earlier ones.
func TestInjectRemovesEverySpellingOfTheNamesItWrites(t *testing.T) {
	ctx := New().Extract(context.Background(), headersOf("x-datadog-trace-id: "+low64+"\nx-datadog-parent-id: "+parent+"\nx-datadog-sampling-priority: 1"))
	old := propagation.MapCarrier{"X-Datadog-Trace-Id": "9", "X-DATADOG-TAGS": "_dd.p.dm=-4", "x-datadog-Origin": "rum", "TraceParent": "x", "other": "stays", "X-Datadog-Start": "stays"}
	New().Inject(ctx, old)
	for key := range old {
		if h, ok := spelledLike(key, append(Datadog.fields(), TraceContext.fields()...)); ok && key != h.name {
			t.Errorf("%s is still there", key)
		}
	}
	if old["other"] != "stays" || old["X-Datadog-Start"] != "stays" || old["x-datadog-trace-id"] != low64 {
		t.Errorf("%v", old)
	}

	// Of HTTP headers only those are another spelling that net/http would not find.
	const lower = "x-datadog-origin"
	raw := map[string][]string{lower: {"rum"}, "TRACESTATE": {"a=b"}, "X-Datadog-Tags": {"_dd.p.dm=-4"}, "Other": {"stays"}}
	New().Inject(ctx, propagation.HeaderCarrier(raw))
	if raw[lower] != nil || raw["TRACESTATE"] != nil || raw["X-Datadog-Tags"] != nil || raw["Other"][0] != "stays" {
		t.Errorf("%v", raw)
	}
}

// An id that Datadog cannot spell leaves no Datadog headers of an earlier hop behind.
func TestAnIDWithoutALowHalfClearsWhatWasThere(t *testing.T) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
	carrier := headersOf("x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\nx-datadog-origin: rum")
	New().Inject(trace.ContextWithSpanContext(context.Background(), sc), carrier)
	for _, h := range Datadog.fields() {
		if carrier[h.name] != "" {
			t.Errorf("%s: %s", h.name, carrier[h.name])
		}
	}
}

// Whoever begins anew beside a parent keeps what is known about the parent.
func TestRestartLeavesTheParentsDataWhole(t *testing.T) {
	ctx := New().Extract(context.Background(), headersOf("x-datadog-trace-id: "+low64+"\nx-datadog-parent-id: "+parent+"\nx-datadog-sampling-priority: 2\nx-datadog-origin: a;b~c\nx-datadog-tags: _dd.p.a=x;y"))
	want, _ := FromContext(ctx)
	restarted := New(WithBehavior(Restart)).Extract(ctx, headersOf("x-datadog-trace-id: 7\nx-datadog-parent-id: 8"))
	if got, ok := FromContext(restarted); !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(LinksFromContext(restarted)) != 1 {
		t.Error("no link to what was not continued")
	}
}

// A service that writes no tracestate is not told that its data do not fit there.
func TestTracestateIsNoTroubleForWhoWritesNone(t *testing.T) {
	in := headersOf("x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\nx-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.a=" + string(make400()))
	var without, with problems
	New(WithStyles(Datadog), without.handler()).Extract(context.Background(), in)
	New(with.handler()).Extract(context.Background(), in)
	if slices.Contains(without, ErrorTracestate) || !slices.Contains(with, ErrorTracestate) {
		t.Errorf("without tracestate %v, with it %v", without, with)
	}
}

func make400() []byte { return slices.Repeat([]byte("x"), 400) }
