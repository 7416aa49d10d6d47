//go:build !race

package ddcontext

// The race detector allocates too, so these hold without it.

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
)

func TestAllocations(t *testing.T) {
	request, nothing := httpHeaders(benchHeaders), httpHeaders(nil)
	background := context.Background()
	both, w3c := New(), New(WithStyles(TraceContext))
	span := localSpan(both.Extract(background, request), t, 0xbb, true)
	out := httpHeaders(nil)
	for _, tc := range []struct {
		name string
		most float64
		run  func()
	}{
		{"extract, both styles", 6, func() { both.Extract(background, request) }},
		{"extract, W3C alone", 4, func() { w3c.Extract(background, request) }},
		{"extract, nothing there", 0, func() { both.Extract(background, nothing) }},
		{"inject, both styles", 4, func() { both.Inject(span, out) }},
		{"inject, W3C alone", 4, func() { w3c.Inject(span, out) }},
		{"inject, no span", 0, func() { both.Inject(background, out) }},
		{"read a member without tags", 0, func() { ParseMember("s:1;o:rum;p:0123456789abcdef") }},
		{"read tags", 0, func() { ParseTags("_dd.p.dm=-1,_dd.p.tid=" + tid) }},
	} {
		if n := testing.AllocsPerRun(100, tc.run); n > tc.most {
			t.Errorf("%s: %g allocations, at most %g are allowed", tc.name, n, tc.most)
		}
	}
	// A list of 1000 members, most of which must go, costs no more than a legal one of 32.
	hostile := httpHeaders(headersOf("traceparent: 00-" + tid + "123456789abcdef0-0123456789abcdef-01\ntracestate: " + strings.TrimSuffix(strings.Repeat("a=1,", 1000), ",")))
	if n := testing.AllocsPerRun(20, func() { both.Extract(background, hostile) }); n > 2*maxMembers {
		t.Errorf("a hostile tracestate costs %g allocations", n)
	}
	theirs := testing.AllocsPerRun(100, func() { propagation.TraceContext{}.Extract(background, request) })
	if ours := testing.AllocsPerRun(100, func() { both.Extract(background, request) }); ours > theirs {
		t.Errorf("extract allocates %g times, OpenTelemetry's TraceContext %g times", ours, theirs)
	}
}
