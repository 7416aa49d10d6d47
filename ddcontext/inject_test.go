package ddcontext

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func spanContext(t testing.TB, traceID string, flags trace.TraceFlags, state string) trace.SpanContext {
	t.Helper()
	id, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := trace.ParseTraceState(state)
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: SpanID(0xaa), TraceFlags: flags, TraceState: ts})
}

func TestInjectWithoutDatadogUpstream(t *testing.T) {
	const long = tid + "123456789abcdef0"
	for _, tc := range []struct {
		name    string
		sc      trace.SpanContext
		options []Option
		want    string
		reports string
	}{
		{"a new sampled trace of the SDK", spanContext(t, long, 1, ""), nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 1
			x-datadog-tags: _dd.p.tid=` + tid + `
			traceparent: 00-` + long + `-00000000000000aa-01`, ""},
		{"a dropped one, vendors kept", spanContext(t, long, 0, "a=1,ot=th:8"), nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 0
			x-datadog-tags: _dd.p.tid=` + tid + `
			traceparent: 00-` + long + `-00000000000000aa-00
			tracestate: a=1,ot=th:8`, ""},
		{"64 bits: no tid", spanContext(t, "0000000000000000123456789abcdef0", 1, ""), nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 1
			traceparent: 00-0000000000000000123456789abcdef0-00000000000000aa-01`, ""},
		{"tid zero-padded", spanContext(t, "000000000000000a123456789abcdef0", 1, ""), []Option{WithStyles(Datadog)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 1
			x-datadog-tags: _dd.p.tid=000000000000000a`, ""},
		{"low half zero: Python, Ruby, Node and .NET refuse trace id 0", spanContext(t, tid+"0000000000000000", 1, ""), nil, `
			traceparent: 00-` + tid + `0000000000000000-00000000000000aa-01`, ErrorZeroLowHalf},
		{"flags: sampled and random pass, others do not", spanContext(t, long, 0xff, ""), []Option{WithStyles(TraceContext)}, `
			traceparent: 00-` + long + `-00000000000000aa-03`, ""},
		{"only the SpanContext was copied: the member has the data", spanContext(t, long, 1, "a=1,dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4;x:y"), nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2
			x-datadog-origin: rum
			x-datadog-tags: _dd.p.tid=` + tid + `,_dd.p.dm=-4
			traceparent: 00-` + long + `-00000000000000aa-01
			tracestate: dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4;x:y,a=1`, ""},
		{"the SDK dropped what Datadog kept", spanContext(t, long, 0, "dd=s:2;t.dm:-4"), []Option{WithStyles(Datadog, TraceContext)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 0
			x-datadog-tags: _dd.p.tid=` + tid + `
			traceparent: 00-` + long + `-00000000000000aa-00
			tracestate: dd=s:0`, ""},
		{"the SDK kept what Datadog dropped", spanContext(t, long, 1, "dd=s:-1;t.dm:-3"), []Option{WithStyles(Datadog, TraceContext)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 1
			x-datadog-tags: _dd.p.tid=` + tid + `,_dd.p.dm=-0
			traceparent: 00-` + long + `-00000000000000aa-01
			tracestate: dd=s:1;t.dm:-0`, ""},
		{"W3C alone: a member in order goes out as it is", spanContext(t, long, 1, "dd=s:2;o:rum;t.dm:-4,a=1"), []Option{WithStyles(TraceContext)}, `
			traceparent: 00-` + long + `-00000000000000aa-01
			tracestate: dd=s:2;o:rum;t.dm:-4,a=1`, ""},
		{"W3C alone: one that a sampler pushed back comes first again", spanContext(t, long, 1, "ot=th:8,dd=s:2;o:rum"), []Option{WithStyles(TraceContext)}, `
			traceparent: 00-` + long + `-00000000000000aa-01
			tracestate: dd=s:2;o:rum,ot=th:8`, ""},
		{"W3C alone: one that the flag contradicts", spanContext(t, long, 0, "dd=s:2;t.dm:-4,a=1"), []Option{WithStyles(TraceContext)}, `
			traceparent: 00-` + long + `-00000000000000aa-00
			tracestate: dd=s:0,a=1`, ""},
		{"strip: origin, tags and unknown entries stay at home", spanContext(t, long, 1, "dd=s:2;o:rum;t.usr.id:abc;x:y"), []Option{WithStrip()}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2
			x-datadog-tags: _dd.p.tid=` + tid + `
			traceparent: 00-` + long + `-00000000000000aa-01
			tracestate: dd=s:2`, ""},
		{"tags disabled", spanContext(t, long, 1, "dd=s:2;t.dm:-4"), []Option{WithStyles(Datadog), WithTagsMaxLength(0)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2`, ""},
		{"tags exactly as long as allowed", spanContext(t, long, 1, "dd=s:2;t.dm:-4"), []Option{WithStyles(Datadog), WithTagsMaxLength(38)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2
			x-datadog-tags: _dd.p.tid=` + tid + `,_dd.p.dm=-4`, ""},
		{"tags too long: the tid goes alone", spanContext(t, long, 1, "dd=s:2;t.dm:-4"), []Option{WithStyles(Datadog), WithTagsMaxLength(37)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2
			x-datadog-tags: _dd.p.tid=` + tid, ErrorInjectMaxSize},
		{"tags too long even for the tid", spanContext(t, long, 1, "dd=s:2;t.dm:-4"), []Option{WithStyles(Datadog), WithTagsMaxLength(25)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 170
			x-datadog-sampling-priority: 2`, ErrorInjectMaxSize},
		{"b3", spanContext(t, long, 1, ""), []Option{WithStyles(B3, B3Multi)}, `
			b3: ` + long + `-00000000000000aa-1
			x-b3-traceid: ` + long + `
			x-b3-spanid: 00000000000000aa
			x-b3-sampled: 1`, ""},
		{"b3, 64 bits, dropped", spanContext(t, "0000000000000000123456789abcdef0", 0, ""), []Option{WithStyles(B3, B3Multi)}, `
			b3: 123456789abcdef0-00000000000000aa-0
			x-b3-traceid: 123456789abcdef0
			x-b3-spanid: 00000000000000aa
			x-b3-sampled: 0`, ""},
		{"nothing to write", trace.SpanContext{}, nil, ``, ""},
	} {
		var seen problems
		ctx := trace.ContextWithSpanContext(t.Context(), tc.sc)
		m := propagation.MapCarrier{}
		p := New(append(tc.options, seen.handler())...)
		p.Inject(ctx, m)
		if got := linesOf(m); got != trimLines(tc.want) {
			t.Errorf("%s:\n got\n%s\nwant\n%s", tc.name, got, trimLines(tc.want))
		}
		if got := strings.Join(seen, " "); got != tc.reports {
			t.Errorf("%s: reported %q, want %q", tc.name, got, tc.reports)
		}
		h := httpHeaders(nil)
		p.Inject(ctx, h)
		if len(h) != len(m) {
			t.Errorf("%s: http has %v", tc.name, h)
		}
		for k, v := range m {
			if h.Get(k) != v {
				t.Errorf("%s: http %s is %q, the map has %q", tc.name, k, h.Get(k), v)
			}
		}
	}
}

func TestAHopPassesOnWhatItGot(t *testing.T) {
	const long = tid + "123456789abcdef0"
	const dd = "x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\n"
	for _, tc := range []struct {
		name, in string
		sampled  bool
		options  []Option
		want     string
	}{
		{"decision, maker, origin, user: dd-trace to dd-trace", dd + "x-datadog-sampling-priority: 2\nx-datadog-origin: rum\nx-datadog-tags: _dd.p.usr.id=baz64==,_dd.p.tid=" + tid + ",_dd.p.dm=-4", true, nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 2
			x-datadog-origin: rum
			x-datadog-tags: _dd.p.tid=` + tid + `,_dd.p.usr.id=baz64==,_dd.p.dm=-4
			traceparent: 00-` + long + `-00000000000000bb-01
			tracestate: dd=s:2;o:rum;p:0123456789abcdef;t.usr.id:baz64~~;t.dm:-4`},
		{"raw data survive what the member cannot hold", dd + "x-datadog-sampling-priority: 1\nx-datadog-origin: a;b~c\nx-datadog-tags: _dd.p.a=x;y", true, nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 1
			x-datadog-origin: a;b~c
			x-datadog-tags: _dd.p.a=x;y
			traceparent: 00-0000000000000000123456789abcdef0-00000000000000bb-01
			tracestate: dd=s:1;o:a_b_c;p:0123456789abcdef;t.a:x_y`},
		{"no decision came, the SDK has taken one", dd, true, nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 1
			traceparent: 00-0000000000000000123456789abcdef0-00000000000000bb-01
			tracestate: dd=s:1;p:0123456789abcdef`},
		{"the SDK drops what came as keep", dd + "x-datadog-sampling-priority: 2\nx-datadog-tags: _dd.p.dm=-4,_dd.p.ts=02", false, nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 0
			x-datadog-tags: _dd.p.ts=02
			traceparent: 00-0000000000000000123456789abcdef0-00000000000000bb-00
			tracestate: dd=s:0;p:0123456789abcdef;t.ts:02`},
		{"a W3C sender: vendors and last parent go on", "traceparent: 00-" + long + "-0123456789abcdef-01\ntracestate: a=1,dd=s:2;p:00f067aa0ba902b7;t.dm:-4", true, nil, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 2
			x-datadog-tags: _dd.p.tid=` + tid + `,_dd.p.dm=-4
			traceparent: 00-` + long + `-00000000000000bb-01
			tracestate: dd=s:2;p:00f067aa0ba902b7;t.dm:-4,a=1`},
		{"upstream_services and other keys end here", dd + "x-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.upstream_services=x,other=y,_dd.p.dm=-1", true, []Option{WithStyles(Datadog)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 1
			x-datadog-tags: _dd.p.dm=-1`},
		{"a bad tid is never sent again", dd + "x-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.tid=1,_dd.p.dm=-1", true, []Option{WithStyles(Datadog)}, `
			x-datadog-trace-id: ` + low64 + `
			x-datadog-parent-id: 187
			x-datadog-sampling-priority: 1
			x-datadog-tags: _dd.p.dm=-1`},
	} {
		p := New(tc.options...)
		ctx := localSpan(p.Extract(t.Context(), headersOf(tc.in)), t, 0xbb, tc.sampled)
		out := propagation.MapCarrier{}
		p.Inject(ctx, out)
		if got := linesOf(out); got != trimLines(tc.want) {
			t.Errorf("%s:\n got\n%s\nwant\n%s", tc.name, got, trimLines(tc.want))
		}
	}
}

func TestPassThroughWithoutALocalSpanChangesNothing(t *testing.T) {
	for _, in := range []string{
		"x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\nx-datadog-sampling-priority: 2\nx-datadog-origin: rum\nx-datadog-tags: _dd.p.tid=" + tid + ",_dd.p.dm=-4\n" +
			"traceparent: 00-" + tid + "123456789abcdef0-0123456789abcdef-01\ntracestate: dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4,a=1\n",
		// Nobody has decided, and a proxy does not either.
		"x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\n" +
			"traceparent: 00-0000000000000000123456789abcdef0-0123456789abcdef-01\ntracestate: dd=p:0123456789abcdef\n",
	} {
		p := New()
		out := propagation.MapCarrier{}
		p.Inject(p.Extract(t.Context(), headersOf(in)), out)
		if got := linesOf(out); got != trimLines(in) {
			t.Errorf("got\n%s\nwant\n%s", got, trimLines(in))
		}
	}
}

func TestANewTraceInTheSameContextInheritsNothing(t *testing.T) {
	ctx := New().Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-sampling-priority: 2\nx-datadog-origin: rum\nx-datadog-tags: _dd.p.dm=-4,_dd.p.tid="+tid))
	ctx = trace.ContextWithSpanContext(ctx, spanContext(t, "0000000000000000000000000000000a", 0, ""))
	out := propagation.MapCarrier{}
	New().Inject(ctx, out)
	want := trimLines(`
		x-datadog-trace-id: 10
		x-datadog-parent-id: 170
		x-datadog-sampling-priority: 0
		traceparent: 00-0000000000000000000000000000000a-00000000000000aa-00`)
	if got := linesOf(out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestHeadersOfAnEarlierHopDoNotStayBesideNewIDs(t *testing.T) {
	const stale = "x-datadog-trace-id: 9\nx-datadog-parent-id: 9\nx-datadog-sampling-priority: 2\nx-datadog-origin: rum\nx-datadog-tags: _dd.p.dm=-4\ntraceparent: 00-9\ntracestate: dd=s:2\n" +
		"x-b3-traceid: 9\nx-b3-spanid: 9\nx-b3-sampled: 1\nx-b3-flags: 1\nb3: 9"
	undecided := New().Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2"))
	p := New(WithStyles(Datadog, TraceContext, B3, B3Multi))
	want := trimLines(`
		x-datadog-trace-id: 1
		x-datadog-parent-id: 2
		traceparent: 00-00000000000000000000000000000001-0000000000000002-01
		tracestate: dd=p:0000000000000002
		b3: 0000000000000001-0000000000000002
		x-b3-traceid: 0000000000000001
		x-b3-spanid: 0000000000000002`)

	m := headersOf(stale)
	p.Inject(undecided, m)
	if got := linesOf(m); got != want {
		t.Errorf("map:\n got\n%s\nwant\n%s", got, want)
	}
	h := httpHeaders(headersOf(stale))
	p.Inject(undecided, h)
	for _, name := range h.Keys() {
		if got := h.Get(name); m[strings.ToLower(name)] != got {
			t.Errorf("http: %s is %q, want %q", name, got, m[strings.ToLower(name)])
		}
	}
	list := listOf(headersOf(stale))
	p.Inject(undecided, NewHeaderList(&list))
	if got := mapOf(list); linesOf(got) != want {
		t.Errorf("list:\n got\n%s\nwant\n%s", linesOf(got), want)
	}
	// A carrier that cannot delete is given empty values, which every reader takes for none.
	plain := plainCarrier(headersOf(stale))
	p.Inject(undecided, plain)
	for name, value := range plain {
		if value != m[name] {
			t.Errorf("plain carrier: %s is %q, want %q", name, value, m[name])
		}
	}
}

// plainCarrier can only do what the interface asks for.
type plainCarrier map[string]string

func (c plainCarrier) Get(key string) string { return c[key] }
func (c plainCarrier) Set(key, value string) { c[key] = value }
func (c plainCarrier) Keys() []string        { return propagation.MapCarrier(c).Keys() }

func mapOf(list []MessageHeader) propagation.MapCarrier {
	m := propagation.MapCarrier{}
	for _, h := range list {
		m[h.Key] = string(h.Value)
	}
	return m
}

func TestTagsTooManyForTheMemberStillGoInTheirHeader(t *testing.T) {
	var seen problems
	long := "_dd.p.a=" + strings.Repeat("x", 300) + ",_dd.p.dm=-4"
	p := New(seen.handler())
	ctx := p.Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-tags: "+long))
	seen = nil
	out := propagation.MapCarrier{}
	p.Inject(localSpan(ctx, t, 3, true), out)
	if out["x-datadog-tags"] != long || out["tracestate"] != "dd=s:1;p:0000000000000002;t.dm:-4" {
		t.Errorf("injected %v", out)
	}
	if strings.Join(seen, " ") != ErrorTracestate {
		t.Errorf("reported %v", seen)
	}
}

func TestTheMemberGoesBeforeThirtyTwoVendorsAndTheLastOneGoes(t *testing.T) {
	ctx := New().Extract(t.Context(), headersOf("x-datadog-trace-id: 10\nx-datadog-parent-id: 2\nx-datadog-sampling-priority: 1"))
	ctx = trace.ContextWithSpanContext(ctx, spanContext(t, "0000000000000000000000000000000a", 1, members(32))) // a sampler that made the tracestate anew
	out := propagation.MapCarrier{}
	New().Inject(ctx, out)
	if want := "dd=s:1;p:0000000000000002," + members(31); out["tracestate"] != want {
		t.Errorf("got %s, want %s", out["tracestate"], want)
	}
}

func TestHeadersAddedAfterwardsOverwriteNothing(t *testing.T) {
	h := httpHeaders(nil)
	New().Inject(trace.ContextWithSpanContext(t.Context(), spanContext(t, "0000000000000000000000000000000a", 1, "a=1")), h)
	before := httpHeaders(nil)
	for name, values := range h {
		before[name] = append([]string(nil), values...)
	}
	for name, values := range h {
		h[name] = append(values, "added")
	}
	for name, values := range h {
		if values[0] != before[name][0] {
			t.Errorf("%s was %q and is %q", name, before[name][0], values[0])
		}
	}
}

func TestNoHeaderCanEndItsLine(t *testing.T) {
	var seen problems
	for _, origin := range []string{"rum\r\nx-evil: 1", "rum\n", "r\x00m", "\x7f", "rüm"} {
		in := propagation.MapCarrier{"x-datadog-trace-id": "1", "x-datadog-parent-id": "2", "x-datadog-sampling-priority": "1", "x-datadog-origin": origin,
			"x-datadog-tags": "_dd.p.dm=-4\r\nx-evil: 1", "tracestate": "dd=s:1\r\nx-evil: 1,a=\r\nb", "traceparent": "00-00000000000000000000000000000001-0000000000000002-01"}
		p := New(WithStyles(Datadog, TraceContext, B3, B3Multi), seen.handler())
		out := propagation.MapCarrier{}
		p.Inject(p.Extract(t.Context(), in), out)
		if len(out) == 0 {
			t.Fatal("nothing injected")
		}
		for name, value := range out {
			if !printable(value) || !printable(name) {
				t.Errorf("origin %q: %s is %q", origin, name, value)
			}
		}
		if _, sent := out["x-datadog-origin"]; sent {
			t.Errorf("origin %q was sent", origin)
		}
		if !strings.Contains(strings.Join(seen, " "), ErrorEncoding) {
			t.Errorf("origin %q: not reported", origin)
		}
		seen = nil
	}
}

func TestOneNilCarrierIsNoPanic(t *testing.T) {
	ctx := trace.ContextWithSpanContext(context.Background(), spanContext(t, "0000000000000000000000000000000a", 1, ""))
	New().Inject(ctx, nil)
	if New().Extract(ctx, nil) != ctx {
		t.Error("context changed")
	}
}
