package ddcontext

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// linkSummary is a link on one line.
func linkSummary(l trace.Link) string {
	s := fmt.Sprintf("%s/%s/%s", l.SpanContext.TraceID(), l.SpanContext.SpanID(), l.SpanContext.TraceFlags())
	for _, a := range l.Attributes {
		s += " " + string(a.Key) + "=" + a.Value.AsString()
	}
	if state := l.SpanContext.TraceState().String(); state != "" {
		s += " " + state
	}
	return s
}

func linkSummaries(ctx context.Context) string {
	var s []string
	for _, l := range LinksFromContext(ctx) {
		s = append(s, linkSummary(l))
	}
	return strings.Join(s, "\n")
}

func TestSeveralStylesAtOnce(t *testing.T) {
	const dd = "x-datadog-trace-id: " + low64 + "\nx-datadog-parent-id: " + parent + "\nx-datadog-sampling-priority: 2\nx-datadog-origin: rum\nx-datadog-tags: _dd.p.dm=-4,_dd.p.tid=" + tid + "\n"
	const long = tid + "123456789abcdef0"
	const data = " s=2 o=rum t=_dd.p.dm=-4"
	const same = "traceparent: 00-" + long + "-0123456789abcdef-01\n"
	const hop = "traceparent: 00-" + long + "-00000000000000aa-01\n"
	const other = "traceparent: 00-ffffffffffffffffffffffffffffffff-00000000000000aa-01\n"

	all := WithStyles(Datadog, TraceContext, B3, B3Multi)
	for _, tc := range []struct {
		name, headers string
		options       []Option
		want, state   string
		links         string
	}{
		{"rule 1: the first valid context is the base", dd, nil, long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4", ""},
		{"rule 1: an invalid earlier style does not shadow a later one", "x-datadog-trace-id: 0\nx-datadog-parent-id: 1\n" + same + "tracestate: dd=s:2", nil, long + "/0123456789abcdef/01 s=2", "dd=s:2", ""},
		{"rule 1: order is the option's", dd + other, []Option{WithStyles(TraceContext, Datadog)}, "ffffffffffffffffffffffffffffffff/00000000000000aa/01", "",
			long + "/0123456789abcdef/01 reason=terminated_context context_headers=datadog"},
		{"rule 2: vendors are taken over, the dd member is the base's", dd + same + "tracestate: dd=s:1;o:x;p:0123456789abcdef;t.dm:-1,a=1,ot=th:8", nil, long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4,a=1,ot=th:8", ""},
		{"rule 2: another span id is a W3C hop: parent from there, last parent from p", dd + hop + "tracestate: dd=s:2;p:00f067aa0ba902b7", nil, long + "/00000000000000aa/01" + data + " p=00f067aa0ba902b7", "dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4", ""},
		{"rule 2: and without p the Datadog parent", dd + hop + "tracestate: dd=s:2", nil, long + "/00000000000000aa/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4", ""},
		{"rule 2: unknown entries of the member stay", dd + same + "tracestate: dd=s:2;x:y", nil, long + "/0123456789abcdef/01" + data, "dd=s:2;o:rum;t.dm:-4;x:y", ""},
		{"rule 2: the same span without p is no Datadog tracer's: RUM", dd + same + "tracestate: dd=s:2;o:rum", nil, long + "/0123456789abcdef/01" + data, "dd=s:2;o:rum;t.dm:-4", ""},
		{"rule 2: the W3C flag for a random id comes along", dd + strings.Replace(same, "-01\n", "-03\n", 1) + "tracestate: dd=s:2;p:0123456789abcdef", nil, long + "/0123456789abcdef/03" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4", ""},
		{"rule 2: base tracecontext takes nothing from Datadog headers", dd + hop + "tracestate: dd=s:1", []Option{WithStyles(TraceContext, Datadog)}, long + "/00000000000000aa/01 s=1", "dd=s:1", ""},
		{"rule 3: another trace is a link, its vendors stay away", dd + other + "tracestate: dd=s:1,a=1", nil, long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4",
			"ffffffffffffffffffffffffffffffff/00000000000000aa/01 reason=terminated_context context_headers=tracecontext dd=s:1,a=1"},
		{"rule 3: the upper half counts", strings.ReplaceAll(dd, ",_dd.p.tid="+tid, "") + same, nil, "0000000000000000123456789abcdef0/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4",
			long + "/0123456789abcdef/01 reason=terminated_context context_headers=tracecontext"},
		{"rule 3: a trace id of zero is no link", dd + "traceparent: 00-00000000000000000000000000000000-00000000000000aa-01", nil, long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4", ""},
		{"rule 3: b3 too, flag from its decision", dd + "b3: 000000000000000a-000000000000000b-0\nx-b3-traceid: 000000000000000c\nx-b3-spanid: 000000000000000d\nx-b3-sampled: 1", []Option{all},
			long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4",
			"0000000000000000000000000000000a/000000000000000b/00 reason=terminated_context context_headers=b3\n" +
				"0000000000000000000000000000000c/000000000000000d/01 reason=terminated_context context_headers=b3multi"},
		{"rule 4: extract first reads no tracestate and makes no link", dd + other + "tracestate: a=1", []Option{WithExtractFirst()}, long + "/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4", ""},
		{"rule 4: a failure does not stop it", "x-datadog-trace-id: x\n" + same, []Option{WithExtractFirst()}, long + "/0123456789abcdef/01", "", ""},
		{"rule 5: restart begins anew with one link", dd + same, []Option{WithBehavior(Restart)}, "none", "",
			long + "/0123456789abcdef/01 reason=propagation_behavior_extract context_headers=datadog"},
		{"rule 5: ignore", dd + same, []Option{WithBehavior(Ignore)}, "none", "", ""},

		{"an upper half lost with the tags is taken from traceparent", strings.ReplaceAll(dd, "_dd.p.dm=-4", "oops") + same, nil, long + "/0123456789abcdef/01 s=2 o=rum", "dd=s:2;o:rum", ""},
		{"and one that was malformed", strings.ReplaceAll(dd, tid, "640cfd8d") + same, nil, long + "/0123456789abcdef/01" + data, "dd=s:2;o:rum;t.dm:-4", ""},
		{"and one that is not read", dd + same, []Option{WithTagsMaxLength(0)}, long + "/0123456789abcdef/01 s=2 o=rum", "dd=s:2;o:rum", ""},
		{"but not from another low half", strings.ReplaceAll(dd, tid, "640cfd8d") + other, nil, "0000000000000000123456789abcdef0/0123456789abcdef/01" + data + " p=0123456789abcdef", "dd=s:2;o:rum;p:0123456789abcdef;t.dm:-4",
			"ffffffffffffffffffffffffffffffff/00000000000000aa/01 reason=terminated_context context_headers=tracecontext"},

		{"missing priority, not sampled on request", "x-datadog-trace-id: 1\nx-datadog-parent-id: 2", []Option{WithMissingPriority(NotSampled)}, "00000000000000000000000000000001/0000000000000002/00 p=0000000000000002", "dd=p:0000000000000002", ""},
		{"an undecided base does not take Go's s:0 and flag 00 for a drop", "x-datadog-trace-id: 1\nx-datadog-parent-id: 2\ntraceparent: 00-00000000000000000000000000000001-0000000000000002-00\ntracestate: dd=s:0;p:0000000000000002", nil,
			"00000000000000000000000000000001/0000000000000002/01 p=0000000000000002", "dd=p:0000000000000002", ""},
		{"strip: ids stay, a stranger's decision, origin and tags do not", dd, []Option{WithStrip()}, long + "/0123456789abcdef/01 p=0123456789abcdef", "dd=p:0123456789abcdef", ""},
		{"strip: the drop of a stranger is not his to take", strings.ReplaceAll(dd, "priority: 2", "priority: -1"), []Option{WithStrip()}, long + "/0123456789abcdef/01 p=0123456789abcdef", "dd=p:0123456789abcdef", ""},
		{"strip: W3C flag and vendors pass", "traceparent: 00-" + long + "-0123456789abcdef-00\ntracestate: dd=s:-1;o:rum;p:00f067aa0ba902b7;t.dm:-4;x:y,a=1", []Option{WithStrip()}, long + "/0123456789abcdef/00 s=0 p=00f067aa0ba902b7", "dd=p:00f067aa0ba902b7,a=1", ""},
	} {
		for _, kind := range []string{"map", "http"} {
			m := headersOf(tc.headers)
			ctx := New(tc.options...).Extract(t.Context(), m)
			if kind == "http" {
				ctx = New(tc.options...).Extract(t.Context(), httpHeaders(m))
			}
			if got := summary(ctx); got != tc.want {
				t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
			}
			if got := trace.SpanContextFromContext(ctx).TraceState().String(); got != tc.state {
				t.Errorf("%s: tracestate\n got %s\nwant %s", tc.name, got, tc.state)
			}
			if got := linkSummaries(ctx); got != tc.links {
				t.Errorf("%s: links\n got %s\nwant %s", tc.name, got, tc.links)
			}
		}
	}
}

func TestExtractB3(t *testing.T) {
	const ids = "0000000000000000123456789abcdef0/0123456789abcdef"
	for _, tc := range []struct{ name, headers, want string }{
		{"single, 64-bit, keep", "b3: 123456789abcdef0-0123456789abcdef-1", ids + "/01"},
		{"single, 128-bit, drop", "b3: " + tid + "123456789abcdef0-0123456789abcdef-0", tid + "123456789abcdef0/0123456789abcdef/00"},
		{"single, debug: Python and Node 2, Go 1", "b3: 123456789abcdef0-0123456789abcdef-d", ids + "/01 s=2"},
		{"single, no decision", "b3: 123456789abcdef0-0123456789abcdef", ids + "/01"},
		{"single, with parent", "b3: 123456789abcdef0-0123456789abcdef-1-00000000000000aa", ids + "/01"},
		{"single, a decision without ids is no context", "b3: 0", "none"},
		{"single, other sampling state", "b3: 123456789abcdef0-0123456789abcdef-x", "none"},
		{"single, zero id", "b3: 0000000000000000-0123456789abcdef-1", "none"},
		{"single, zero span", "b3: 123456789abcdef0-0000000000000000-1", "none"},
		{"single, decimal", "b3: 1-2-1", "none"},
		{"multi, keep", "x-b3-traceid: 123456789abcdef0\nx-b3-spanid: 0123456789abcdef\nx-b3-sampled: 1", ids + "/01"},
		{"multi, drop", "X-B3-TraceId: 123456789abcdef0\nX-B3-SpanId: 0123456789abcdef\nX-B3-Sampled: 0", ids + "/00"},
		{"multi, old words", "x-b3-traceid: 123456789abcdef0\nx-b3-spanid: 0123456789abcdef\nx-b3-sampled: false", ids + "/00"},
		{"multi, debug flag", "x-b3-traceid: 123456789abcdef0\nx-b3-spanid: 0123456789abcdef\nx-b3-flags: 1", ids + "/01 s=2"},
		{"multi, upper-case hex", "x-b3-traceid: 123456789ABCDEF0\nx-b3-spanid: 0123456789ABCDEF", ids + "/01"},
		{"multi, no span id", "x-b3-traceid: 123456789abcdef0", "none"},
	} {
		m := headersOf(tc.headers)
		if got := summary(New(WithStyles(B3, B3Multi)).Extract(t.Context(), m)); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
		if got := summary(New(WithStyles(B3, B3Multi)).Extract(t.Context(), httpHeaders(m))); got != tc.want {
			t.Errorf("%s (http):\n got %s\nwant %s", tc.name, got, tc.want)
		}
		if got := summary(New().Extract(t.Context(), m)); got != "none" {
			t.Errorf("%s: read though the style was not asked for", tc.name)
		}
	}
}

func TestALaterExtractHidesAnEarlierOne(t *testing.T) {
	p := New()
	first := p.Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-origin: rum\ntraceparent: 00-00000000000000000000000000000003-0000000000000004-01"))
	if len(LinksFromContext(first)) != 1 {
		t.Fatal("no link to hide")
	}
	second := p.Extract(first, headersOf("traceparent: 00-00000000000000000000000000000001-0000000000000005-01"))
	if got, want := summary(second), "00000000000000000000000000000001/0000000000000005/01"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if links := LinksFromContext(second); len(links) != 0 {
		t.Errorf("links of the first extract are still there: %v", links)
	}
}

func TestAnInvalidContextLeavesTheContextAsItWas(t *testing.T) {
	before := localSpan(New().Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2")), t, 3, true)
	for _, headers := range []string{"", "x-datadog-trace-id: x\nx-datadog-parent-id: 2", "traceparent: 00-x", "x-datadog-tags: _dd.p.tid=" + tid} {
		if after := New().Extract(before, headersOf(headers)); after != before {
			t.Errorf("context changed by %q", headers)
		}
	}
}

func TestUnknownStylesAreReportedAndLeftOut(t *testing.T) {
	var seen problems
	p := New(seen.handler(), WithStyles("jaeger", "tracecontext"))
	if got := strings.Join(p.Fields(), " "); got != "traceparent tracestate" {
		t.Errorf("fields %s", got)
	}
	if strings.Join(seen, " ") != ErrorUnknownStyle {
		t.Errorf("reported %v", seen)
	}
	if got := strings.Join(New(WithStyles()).Fields(), " "); got != "x-datadog-trace-id x-datadog-parent-id x-datadog-sampling-priority x-datadog-origin x-datadog-tags traceparent tracestate" {
		t.Errorf("default fields %s", got)
	}
	if got := strings.Join(New(WithStyles(B3, B3Multi)).Fields(), " "); got != "b3 x-b3-traceid x-b3-spanid x-b3-sampled" {
		t.Errorf("b3 fields %s", got)
	}
}
