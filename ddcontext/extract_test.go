package ddcontext

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

const (
	low64  = "1311768467463790320" // 123456789abcdef0
	parent = "81985529216486895"   // 0123456789abcdef
	tid    = "640cfd8d00000000"
)

// summary is a span context and its data on one line: trace, span, flag, then priority, origin, tags, last parent.
func summary(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.TraceID().IsValid() {
		return "none"
	}
	s := fmt.Sprintf("%s/%s/%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags())
	data, ok := FromContext(ctx)
	if !ok {
		return s
	}
	if data.HasPriority {
		s += fmt.Sprintf(" s=%d", data.Priority)
	}
	if data.Origin != "" {
		s += " o=" + data.Origin
	}
	if data.Tags.String() != "" {
		s += " t=" + data.Tags.String()
	}
	if data.LastParent != "" {
		s += " p=" + data.LastParent
	}
	return s
}

func TestExtractDatadogHeaders(t *testing.T) {
	const ids = "x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\n"
	const short = "0000000000000000123456789abcdef0/0123456789abcdef"
	const long = tid + "123456789abcdef0/0123456789abcdef"
	const p = " p=0123456789abcdef"

	for _, tc := range []struct{ name, headers, want, problems string }{
		{"nothing", "", "none", ""},
		{"ids alone: the sender has not decided, all tracers", ids, short + "/01" + p, ""},
		{"64-bit, priority 1", ids + "x-datadog-sampling-priority: 1", short + "/01 s=1" + p, ""},
		{"priority 2 is kept as 2 (tonglil's propagator reads it as a drop)", ids + "x-datadog-sampling-priority: 2", short + "/01 s=2" + p, ""},
		{"priority 0", ids + "x-datadog-sampling-priority: 0", short + "/00 s=0" + p, ""},
		{"priority -1", ids + "x-datadog-sampling-priority: -1", short + "/00 s=-1" + p, ""},
		{"priority 3, seen in system-tests", ids + "x-datadog-sampling-priority: 3", short + "/01 s=3" + p, ""},
		{"bad priority: Node and Ruby ignore it, Go and Python lose the context", ids + "x-datadog-sampling-priority: high", short + "/01" + p, ErrorPriority},
		{"empty priority is none", ids + "x-datadog-sampling-priority: ", short + "/01" + p, ""},
		{"128-bit", ids + "x-datadog-tags: _dd.p.tid=" + tid, long + "/01" + p, ""},
		{"no tid header means 64 bits, whatever the receiver makes itself", ids + "x-datadog-tags: _dd.p.dm=-4", short + "/01 t=_dd.p.dm=-4" + p, ""},
		{"origin rum without priority: accepted, system-tests delegation", ids + "x-datadog-origin: rum", short + "/01 o=rum" + p, ""},
		{"origin with a comma: Java would cut it", ids + "x-datadog-origin: rum,x", short + "/01 o=rum,x" + p, ""},
		{"origin beyond any real one", ids + "x-datadog-origin: " + strings.Repeat("o", 257), short + "/01" + p, ErrorOrigin},

		{"trace id 0 (system-tests D002)", "x-datadog-trace-id: 0\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id empty", "x-datadog-trace-id: \nx-datadog-parent-id: 1", "none", ""},
		{"trace id in hex", "x-datadog-trace-id: 123456789abcdef0\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id of 2^64", "x-datadog-trace-id: 18446744073709551616\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id with exponent", "x-datadog-trace-id: 1e9\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id with underscore: Python accepts", "x-datadog-trace-id: 1_0\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id signed: Go and Node accept, Python, Ruby, .NET and Java refuse", "x-datadog-trace-id: -1\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"trace id with a blank: Python accepts", "x-datadog-trace-id:  1\nx-datadog-parent-id: 1", "none", ErrorInvalidContext},
		{"parent id 0 (system-tests D005)", "x-datadog-trace-id: 1\nx-datadog-parent-id: 0", "none", ErrorInvalidContext},
		{"parent id missing", "x-datadog-trace-id: 1", "none", ErrorInvalidContext},
		{"parent id 0 with origin rum: Ruby accepts, Go does not", "x-datadog-trace-id: 1\nx-datadog-parent-id: 0\nx-datadog-origin: rum", "none", ErrorInvalidContext},
		{"synthetics begin with parent 0, Go", "x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: 0\nx-datadog-origin: synthetics\nx-datadog-sampling-priority: 1",
			"0000000000000000123456789abcdef0/0000000000000000/01 s=1 o=synthetics", ""},
		{"synthetics in the browser too", "x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: 0\nx-datadog-origin: synthetics-browser\nx-datadog-sampling-priority: 1",
			"0000000000000000123456789abcdef0/0000000000000000/01 s=1 o=synthetics-browser", ""},
		{"priority alone is not inherited", "x-datadog-sampling-priority: 2\nx-datadog-origin: rum", "none", ""},

		{"tags of 512 bytes are read, only the dd member cannot hold them", ids + "x-datadog-tags: _dd.p.a=" + strings.Repeat("x", 504), short + "/01 t=_dd.p.a=" + strings.Repeat("x", 504) + p, ErrorTracestate},
		{"tags of 513 bytes: all dropped with the tid, all tracers", ids + "x-datadog-tags: _dd.p.tid=" + tid + ",_dd.p.a=" + strings.Repeat("x", 478), short + "/01" + p, ErrorExtractMaxSize},
		{"malformed tags: all dropped but a good tid, ids kept", ids + "x-datadog-tags: _dd.p.dm=-4,_dd.p.tid=" + tid + ",oops", tid + "123456789abcdef0/0123456789abcdef/01" + p, ErrorDecoding},
		{"one bad character in another tag", ids + "x-datadog-tags: _dd.p.usr.id=\u00e9,_dd.p.tid=" + tid, tid + "123456789abcdef0/0123456789abcdef/01" + p, ErrorDecoding},
		{"malformed tags without a tid", ids + "x-datadog-tags: _dd.p.dm=-4,oops", short + "/01" + p, ErrorDecoding},
		{"tid of 15 digits dropped alone (system-tests)", ids + "x-datadog-tags: _dd.p.dm=-1,_dd.p.tid=640cfd8d0000000", short + "/01 t=_dd.p.dm=-1" + p, ErrorMalformedTID},
		{"tid upper-case: Go drops it, Ruby, Node and Python accept; Java drops all tags", ids + "x-datadog-tags: _dd.p.tid=640CFD8D00000000,_dd.p.dm=-1", short + "/01 t=_dd.p.dm=-1" + p, ErrorMalformedTID},
		{"tid of zeros is none", ids + "x-datadog-tags: _dd.p.tid=0000000000000000", short + "/01" + p, ErrorMalformedTID},

		{"names in any case, as Go's EqualFold", "X-Datadog-Trace-Id: " + low64 + "\nX-DATADOG-PARENT-ID: " + parent + "\nX-Datadog-Sampling-Priority: 2", short + "/01 s=2" + p, ""},
	} {
		for _, kind := range []string{"map", "http", "list"} {
			var seen problems
			m := headersOf(tc.headers)
			var ctx context.Context
			switch kind {
			case "map":
				ctx = New(seen.handler()).Extract(t.Context(), m)
			case "http":
				ctx = New(seen.handler()).Extract(t.Context(), httpHeaders(m))
			case "list":
				list := listOf(m)
				ctx = New(seen.handler()).Extract(t.Context(), NewHeaderList(&list))
			}
			if got := summary(ctx); got != tc.want {
				t.Errorf("%s (%s):\n got %s\nwant %s", tc.name, kind, got, tc.want)
			}
			if got := strings.Join(seen, " "); got != tc.problems {
				t.Errorf("%s (%s): reported %q, want %q", tc.name, kind, got, tc.problems)
			}
		}
	}
}

func TestExtractTraceContext(t *testing.T) {
	const ids = "640cfd8d00000000123456789abcdef0/0123456789abcdef"
	const tp = "traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-"

	for _, tc := range []struct{ name, headers, want, state string }{
		{"no tracestate: the flag decides", tp + "01", ids + "/01", ""},
		{"flag 0", tp + "00", ids + "/00", ""},
		{"flag 3: sampled, random", tp + "03", ids + "/03", ""},
		{"flags beyond 3: W3C says ignore, OpenTelemetry refuses", tp + "ff", ids + "/03", ""},
		{"upper-case: W3C forbids, Go's tracer accepts", "traceparent: 00-640CFD8D00000000123456789abcdef0-0123456789abcdef-01", "none", ""},
		{"blanks around it", "traceparent:  00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01\t", ids + "/01", ""},
		{"version ff", "traceparent: ff-640cfd8d00000000123456789abcdef0-0123456789abcdef-01", "none", ""},
		{"version not hex", "traceparent: 0g-640cfd8d00000000123456789abcdef0-0123456789abcdef-01", "none", ""},
		{"version 00 with more", tp + "01-what", "none", ""},
		{"a later version with more", "traceparent: cc-640cfd8d00000000123456789abcdef0-0123456789abcdef-01-what", ids + "/01", ""},
		{"a later version with more, glued", "traceparent: cc-640cfd8d00000000123456789abcdef0-0123456789abcdef-01what", "none", ""},
		{"trace id zero", "traceparent: 00-00000000000000000000000000000000-0123456789abcdef-01", "none", ""},
		{"span id zero", "traceparent: 00-640cfd8d00000000123456789abcdef0-0000000000000000-01", "none", ""},
		{"too short", "traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-1", "none", ""},
		{"low half zero is legal W3C", "traceparent: 00-640cfd8d000000000000000000000000-0123456789abcdef-01", "640cfd8d000000000000000000000000/0123456789abcdef/01", ""},

		{"flag 1, s 2: s", tp + "01\ntracestate: dd=s:2;t.dm:-4", ids + "/01 s=2 t=_dd.p.dm=-4", "dd=s:2;t.dm:-4"},
		{"flag 0, s -1: s", tp + "00\ntracestate: dd=s:-1;t.dm:-4", ids + "/00 s=-1 t=_dd.p.dm=-4", "dd=s:-1;t.dm:-4"},
		{"flag 1, s 0: kept by a hop in between, dm -0", tp + "01\ntracestate: dd=s:0;t.dm:-4", ids + "/01 s=1 t=_dd.p.dm=-0", "dd=s:1;t.dm:-0"},
		{"flag 1, s -1, no dm: the same", tp + "01\ntracestate: dd=s:-1", ids + "/01 s=1 t=_dd.p.dm=-0", "dd=s:1;t.dm:-0"},
		{"flag 0, s 2: dropped by a hop in between, dm removed", tp + "00\ntracestate: dd=s:2;t.dm:-4;t.usr.id:abc~", ids + "/00 s=0 t=_dd.p.usr.id=abc=", "dd=s:0;t.usr.id:abc~"},
		{"s missing: the flag", tp + "01\ntracestate: dd=o:rum", ids + "/01 s=1 o=rum", "dd=o:rum"},
		{"s unreadable: the flag", tp + "00\ntracestate: dd=s:x;o:rum", ids + "/00 s=0 o=rum", "dd=o:rum"},
		{"RUM's browser SDK", tp + "01\ntracestate: dd=s:1;o:rum", ids + "/01 s=1 o=rum", "dd=s:1;o:rum"},
		{"order free on reading, ours on writing", tp + "01\ntracestate: dd=t.dm:-1;p:00f067aa0ba902b7;o:x;s:1", ids + "/01 s=1 o=x t=_dd.p.dm=-1 p=00f067aa0ba902b7", "dd=s:1;o:x;p:00f067aa0ba902b7;t.dm:-1"},
		{"p verbatim (system-tests)", tp + "01\ntracestate: dd=s:1;p:XX!X", ids + "/01 s=1 p=XX!X", "dd=s:1;p:XX!X"},
		{"tilde is equals", tp + "01\ntracestate: dd=s:1;o:a~b;t.usr.id:baz64~~", ids + "/01 s=1 o=a=b t=_dd.p.usr.id=baz64==", "dd=s:1;o:a~b;t.usr.id:baz64~~"},
		{"colons after the first belong to the value", tp + "01\ntracestate: dd=s:1;t.url:a:b", ids + "/01 s=1 t=_dd.p.url=a:b", "dd=s:1;t.url:a:b"},
		{"t.tid inconsistent, malformed or not: traceparent wins, the tag goes", tp + "01\ntracestate: dd=s:1;t.tid:1111111111111111;t.dm:-1", ids + "/01 s=1 t=_dd.p.dm=-1", "dd=s:1;t.dm:-1"},
		{"unknown entries: Ruby, Java and Node keep, Go drops", tp + "01\ntracestate: dd=s:1;x:y;t.dm:-1", ids + "/01 s=1 t=_dd.p.dm=-1", "dd=s:1;t.dm:-1;x:y"},
		{"tags that x-datadog-tags could not carry stay in the member", tp + "01\ntracestate: dd=s:1;t.empty:;t.a b:c", ids + "/01 s=1", "dd=s:1;t.empty:;t.a b:c"},
		{"debris is left out", tp + "01\ntracestate: dd=;;s:1;nonsense", ids + "/01 s=1", "dd=s:1"},
		{"a repeated priority: the last", tp + "01\ntracestate: dd=s:1;s:2", ids + "/01 s=2", "dd=s:2"},
		{"a repeated tag: the last", tp + "01\ntracestate: dd=s:1;t.a:1;t.b:2;t.a:3", ids + "/01 s=1 t=_dd.p.b=2,_dd.p.a=3", "dd=s:1;t.a:1;t.b:2;t.a:3"},

		{"dd goes first, vendors keep their order", tp + "01\ntracestate: a=1,b=2,dd=s:1,c=3", ids + "/01 s=1", "dd=s:1,a=1,b=2,c=3"},
		{"blanks around members", tp + "01\ntracestate: a=1 ,\tdd=s:1 , b=2", ids + "/01 s=1", "dd=s:1,a=1,b=2"},
		{"two dd members: the first", tp + "01\ntracestate: dd=s:2,a=1,dd=s:1", ids + "/01 s=2", "dd=s:2,a=1"},
		{"one bad member: OpenTelemetry and Java drop everything, here it goes alone", tp + "01\ntracestate: dd=s:2,BAD KEY=1,a=1", ids + "/01 s=2", "dd=s:2,a=1"},
		{"a member without equals", tp + "01\ntracestate: dd=s:2,oops,a=1", ids + "/01 s=2", "dd=s:2,a=1"},
		{"a vendor twice: the first", tp + "01\ntracestate: a=1,dd=s:2,a=2", ids + "/01 s=2", "dd=s:2,a=1"},
		{"empty members", tp + "01\ntracestate: ,,dd=s:2,,a=1,", ids + "/01 s=2", "dd=s:2,a=1"},
		{"ot passes verbatim, unknown keys too", tp + "01\ntracestate: ot=th:8;rv:01234567890abc;zz:top", ids + "/01", "ot=th:8;rv:01234567890abc;zz:top"},
		{"vendor called dd2", tp + "01\ntracestate: dd2=s:2", ids + "/01", "dd2=s:2"},
		{"dd of 256 bytes", tp + "01\ntracestate: dd=s:2;t.a:" + strings.Repeat("x", 245), ids + "/01 s=2 t=_dd.p.a=" + strings.Repeat("x", 245), "dd=s:2;t.a:" + strings.Repeat("x", 245)},
		{"dd of 257 bytes: Go ignores it and does not pass it on", tp + "01\ntracestate: dd=s:2;t.a:" + strings.Repeat("x", 246) + ",a=1", ids + "/01", "a=1"},
		{"a vendor of more than W3C's 256", tp + "01\ntracestate: dd=s:2,a=" + strings.Repeat("x", 257), ids + "/01 s=2", "dd=s:2"},
		{"header of more than 4096 bytes, as Go", tp + "01\ntracestate: dd=s:2," + strings.Repeat("a=1,", 1024), ids + "/01", ""},
		{"33 members: the rightmost goes", tp + "01\ntracestate: " + members(32) + ",dd=s:1", ids + "/01 s=1", "dd=s:1," + members(31)},
	} {
		for _, kind := range []string{"map", "http", "list"} {
			m := headersOf(tc.headers)
			var ctx context.Context
			switch kind {
			case "map":
				ctx = New().Extract(t.Context(), m)
			case "http":
				ctx = New().Extract(t.Context(), httpHeaders(m))
			case "list":
				list := listOf(m)
				ctx = New().Extract(t.Context(), NewHeaderList(&list))
			}
			if got := summary(ctx); got != tc.want {
				t.Errorf("%s (%s):\n got %s\nwant %s", tc.name, kind, got, tc.want)
			}
			if got := trace.SpanContextFromContext(ctx).TraceState().String(); got != tc.state {
				t.Errorf("%s (%s): tracestate\n got %s\nwant %s", tc.name, kind, got, tc.state)
			}
		}
	}
}

func members(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("v%d=%d", i, i))
	}
	return strings.Join(names, ",")
}

func TestSeveralTracestateHeadersAreOneList(t *testing.T) {
	h := httpHeaders(headersOf("traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01"))
	h["Tracestate"] = []string{"a=1", "dd=s:2", "b=2"}
	sc := trace.SpanContextFromContext(New().Extract(t.Context(), h))
	if got, want := sc.TraceState().String(), "dd=s:2,a=1,b=2"; got != want {
		t.Errorf("tracestate %q, want %q", got, want)
	}
}

func TestTwoTraceparentHeadersAreNone(t *testing.T) {
	h := httpHeaders(nil)
	h["Traceparent"] = []string{"00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01", "00-640cfd8d00000000123456789abcdef1-0123456789abcdef-01"}
	if got := summary(New().Extract(t.Context(), h)); got != "none" {
		t.Errorf("extracted %s", got)
	}
}

func TestHeaderMapsThatAreNotCanonicalAreRead(t *testing.T) {
	h := httpHeaders(nil)
	h["x-datadog-trace-id"], h["X-DATADOG-PARENT-ID"], h["tracestate"] = []string{low64}, []string{parent}, []string{"a=1", "b=2"}
	h["traceParent"] = []string{"00-0000000000000000123456789abcdef0-0123456789abcdef-01"}
	ctx := New().Extract(t.Context(), h)
	if got, want := summary(ctx), "0000000000000000123456789abcdef0/0123456789abcdef/01"; got != want {
		t.Errorf("extracted %s, want %s", got, want)
	}
	if got := trace.SpanContextFromContext(ctx).TraceState().Get("b"); got != "2" {
		t.Errorf("second tracestate header not read")
	}
}

func TestOfSeveralSpellingsTheAlphabeticallyFirstIsRead(t *testing.T) {
	for range 20 { // maps have no order
		m := headersOf("X-datadog-trace-id: 2\nX-Datadog-Trace-Id: 1\nX-DATADOG-trace-id: 3\nx-datadog-parent-id: 7")
		if got := trace.SpanContextFromContext(New().Extract(t.Context(), m)).TraceID().String(); got != "00000000000000000000000000000003" {
			t.Fatalf("trace id %s", got)
		}
	}
}
